# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is to see on a hypervisor: machines, and who uses which pool and network."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Set

from ..client.domain_xml import attribute, disks, interfaces
from ..client.hypervisor import Hypervisor, LibvirtError
from ..client.options import DEFAULT_URI, check_uri
from ..vm.desired import named
from ..vm.observe import observe
from ..vm.observed import Observed
from ..vm.resource import public
from ..vm.restart import awaiting_restart


class Machines:
    """The machines that were named, or all of them."""

    server = "libvirt"

    def spec(self) -> Dict[str, Any]:
        """Return the argument spec, without the options of the connection."""
        return {"names": {"type": "list", "elements": "str"}}

    def read(self, client: Hypervisor, params: Mapping[str, Any]) -> Dict[str, Any]:
        """Return `machines` in the order of `names` (else by name), `pools` and `networks`."""
        check_uri(str(params.get("uri") or DEFAULT_URI))
        present = sorted(str(client.call("name", on=d)) for d in client.call("listAllDomains", 0))
        asked = params.get("names")
        seen = {name: _look(client, name) for name in present}
        wanted = list(dict.fromkeys(present if asked is None else asked))
        return {
            "machines": [_machine(name, seen.get(name, Observed())) for name in wanted],
            "pools": _pools(client, seen),
            "networks": _networks(client, seen),
        }

    def nothing(self, params: Mapping[str, Any]) -> Dict[str, Any]:
        """Return the named machines as missing."""
        machines = [_machine(name, Observed()) for name in params.get("names") or ()]
        return {"machines": machines, "pools": [], "networks": []}


def _look(client: Hypervisor, name: str) -> Observed:
    """Take a snapshot of a machine that may be removed meanwhile."""
    try:
        return observe(client, named(name), {})
    except LibvirtError as error:
        if error.code != client.lib.VIR_ERR_NO_DOMAIN:
            raise
        return Observed()


def _machine(name: str, observed: Observed) -> Dict[str, Any]:
    """Return a machine as M(dockyard.fleet.vm) does, with whose it is and what waits."""
    shown = public(observed)
    if shown is None:
        return {"name": name, "exists": False}
    waiting = awaiting_restart(observed)
    volumes = [dict(entry) for entry in observed.record.get("volumes", ())]
    return {
        "exists": True,
        **shown,
        "owned": bool(observed.record),
        "volumes": volumes,
        "restart_required": bool(waiting),
        "pending": waiting,
    }


def _pools(client: Hypervisor, seen: Mapping[str, Observed]) -> List[Dict[str, Any]]:
    """Return the pools with their sizes in bytes (0 while not active) and their machines."""
    result = []
    for pool in client.call("listAllStoragePools", 0):
        name = str(client.call("name", on=pool))
        _state, capacity, _allocation, available = client.call("info", on=pool)
        result.append(
            {
                "name": name,
                "active": bool(client.call("isActive", on=pool)),
                "capacity": int(capacity),
                "available": int(available),
                "machines": [who for who, entry in seen.items() if name in _pools_of(entry)],
            }
        )
    return sorted(result, key=lambda entry: str(entry["name"]))


def _networks(client: Hypervisor, seen: Mapping[str, Observed]) -> List[Dict[str, Any]]:
    result = []
    for network in client.call("listAllNetworks", 0):
        name = str(client.call("name", on=network))
        active = bool(client.call("isActive", on=network))
        users = [who for who, entry in seen.items() if name in _networks_of(entry)]
        result.append({"name": name, "active": active, "machines": users})
    return sorted(result, key=lambda entry: str(entry["name"]))


def _pools_of(observed: Observed) -> Set[str]:
    """Return the pools that hold what a machine's disks stand on, and its seed."""
    known = [*observed.disks.own.values(), *observed.disks.others.values()]
    used = {entry.pool for disk in known for entry in disk.files}
    elements = disks(observed.config) if observed.config is not None else []
    return used | {attribute(entry, "source", "pool") or "" for entry in elements}


def _networks_of(observed: Observed) -> Set[str]:
    elements = interfaces(observed.config) if observed.config is not None else []
    return {attribute(entry, "source", "network") or "" for entry in elements}


MACHINES = Machines()
