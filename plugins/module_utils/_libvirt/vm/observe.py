# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at a machine and at what it refers to. Reads only."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Any, Dict, List, Mapping, Optional, Sequence, Set, Tuple

from ..._desired.errors import FleetError
from ..._desired.planned import Pending, will_go
from ..client.domain_xml import Element, attribute, disks, interfaces, mac_of, parse, record
from ..client.hypervisor import Hypervisor
from ..client.storage import Pool, Volume, documents, download, find_pool, find_volume
from ..disk.names import NO_DISKS, Disks, is_seed
from .addresses import addresses
from .capabilities import capabilities_of
from .desired import Desired, seed_volume
from .disk_observed import claims_of, disks_of, snapshots_of, volumes_of
from .fields import host_name
from .observed import Observed
from .states import ACTIVE, STATES, stand


def observe(host: Hypervisor, desired: Desired, pending: Pending) -> Observed:
    """Take a snapshot of a machine, its volumes, and the pools, images and networks it names."""
    domain = host.domain(desired.name)
    config, run = (None, _Run()) if domain is None else _documents(host, domain)
    live = run.running if run.running is not None else run.saved
    disks = disks_of(host, domain, config, live)
    pools = _pools(host, desired, config, disks)
    networks, idle = _networks(host, desired, config)
    volumes = volumes_of(host, desired, config, disks, pools)
    images = _images(host, desired, pools)
    info, kvm = host.call("getInfo"), kvm_works()
    reached = _reached(host, desired, domain) if run.running is not None else ()
    observed = Observed(
        config=config,
        **vars(run),
        disks=disks,
        volumes=volumes,
        pools=pools,
        images=images,
        users=claims_of(host, desired, config, disks, [*volumes.values(), *images.values()]),
        networks=networks,
        idle_networks=idle,
        seed=_seed(host, volumes.get(seed_volume(desired, record(config).get("volumes", ()))[1])),
        addresses=reached,
        shortfall=_shortfall(desired, run, reached),
        macs=macs_of_others(host, desired, config, networks),
        snapshots=snapshots_of(host, desired, domain, disks),
        host_memory=int(info[1]) << 20,
        capabilities=capabilities_of(host, desired, config, str(info[0]), kvm),
        kvm=kvm,
        arch=str(info[0]),
        unknown=_unknown(desired, pending),
    )
    if will_go(pending, desired.address):
        return _removed(observed, pending[desired.address].keeps)
    return observed


@dataclass(frozen=True)
class _Run:
    """What a look tells of a machine's run; the attributes are those of `Observed`."""

    running: Optional[Element] = None
    saved: Optional[Element] = None
    state: str = "absent"
    reason: int = 0
    persistent: bool = True
    autostart: bool = False


def _documents(host: Hypervisor, domain: Any) -> Tuple[Element, _Run]:
    """Return a machine's inactive document, and what is to be said of its run."""
    lib = host.lib
    secure = lib.VIR_DOMAIN_XML_SECURE
    config = parse(host.call("XMLDesc", lib.VIR_DOMAIN_XML_INACTIVE | secure, on=domain))
    state, reason = host.call("state", 0, on=domain)
    running = saved = None
    named = STATES[state]
    if named in ACTIVE or (named == "crashed" and host.call("isActive", on=domain)):
        running = parse(host.call("XMLDesc", secure, on=domain))
    elif host.call("hasManagedSaveImage", 0, on=domain, missing=(lib.VIR_ERR_NO_SUPPORT,)):
        saved = parse(host.call("managedSaveGetXMLDesc", secure, on=domain))
    persistent = bool(host.call("isPersistent", on=domain))
    autostart = bool(host.call("autostart", on=domain))
    return config, _Run(running, saved, named, int(reason), persistent, autostart)


def _removed(observed: Observed, kept: Sequence[str]) -> Observed:
    """Return what is left when an earlier task of this check has removed the machine.

    Of its disks those are that the task keeps.
    """
    own = (
        {mac_of(item) for item in interfaces(observed.config)}
        if observed.config is not None
        else set()
    )
    for network in observed.networks.values():
        for served in network.findall("ip/dhcp"):
            for entry in served.findall("host"):
                if str(entry.get("mac")).lower() in own:
                    served.remove(entry)
    volumes = {name: volume for name, volume in observed.volumes.items() if name in kept}
    gone = replace(observed, config=None, disks=NO_DISKS, volumes=volumes, seed={}, addresses=())
    return replace(gone, shortfall="", removed=True, **vars(_Run()))


def unreachable(desired: Desired, pending: Pending) -> Observed:
    """Return the snapshot of a libvirt that an earlier task of this run would bring."""
    return Observed(unknown={**_unknown(desired, pending), "libvirt": pending["libvirt"].text})


def _unknown(desired: Desired, pending: Pending) -> Dict[str, str]:
    prefixes = ("vm_image/", "network/", "pool/")
    return {
        address: entry.text
        for address, entry in pending.items()
        if address == desired.address or address.startswith(prefixes)
    }


def pools_of(desired: Desired, config: Optional[Element], disks: Disks) -> Set[str]:
    """Return the names of the pools that a machine uses or shall use."""
    declared = {str(entry["pool"]) for entry in (desired.declared.get("disks") or {}).values()}
    recorded = {str(item["pool"]) for item in record(config).get("volumes", ())}
    used = {item.pool for disk in disks.own.values() for item in disk.files if item.pool}
    return (
        declared
        | recorded
        | used
        | ({seed_volume(desired)[0]} if desired.cloud_init is not None else set())
    )


def _pools(
    host: Hypervisor, desired: Desired, config: Optional[Element], disks: Disks
) -> Dict[str, Pool]:
    pools = {name: find_pool(host, name) for name in sorted(pools_of(desired, config, disks))}
    return {name: pool for name, pool in pools.items() if pool is not None}


def _images(
    host: Hypervisor, desired: Desired, pools: Mapping[str, Pool]
) -> Dict[Tuple[str, str], Volume]:
    images: Dict[Tuple[str, str], Volume] = {}
    for entry in (desired.declared.get("disks") or {}).values():
        if entry.get("image") and entry["pool"] in pools:
            volume = find_volume(host, entry["pool"], entry["image"])
            if volume is not None:
                images[(entry["pool"], entry["image"])] = volume
    return images


def _networks(
    host: Hypervisor, desired: Desired, config: Optional[Element]
) -> Tuple[Dict[str, Element], Tuple[str, ...]]:
    names = {str(entry["network"]) for entry in (desired.declared.get("networks") or {}).values()}
    if config is not None:
        sources = [item.find("source") for item in interfaces(config)]
        names |= {str(s.get("network")) for s in sources if s is not None and s.get("network")}
    networks: Dict[str, Element] = {}
    idle: List[str] = []
    for name in sorted(names):
        network = host.network(name)
        if network is not None:
            networks[name] = parse(host.call("XMLDesc", 0, on=network))
            if not host.call("isActive", on=network):
                idle.append(name)
    return networks, tuple(idle)


def _seed(host: Hypervisor, volume: Optional[Volume]) -> Dict[str, bytes]:
    if volume is None:
        return {}
    from ..cloud_init.nocloud import read

    try:
        return dict(read(download(host, volume.pool, volume.name)))
    except FleetError:
        return {}  # half written: it is made anew


def _reached(host: Hypervisor, desired: Desired, domain: Any) -> Tuple[str, ...]:
    """Return a running machine's addresses; of several the one that answers SSH, where it should,
    comes first.
    """
    reported = tuple(addresses(host, domain))
    if len(reported) < 2 or desired.wait not in ("ssh", "cloud_init") or desired.state != "started":
        return reported
    from . import console

    first = next((entry for entry in reported if console.port_answers(entry)[0]), reported[0])
    return (first, *(entry for entry in reported if entry != first))


def _shortfall(desired: Desired, run: _Run, reached: Sequence[str]) -> str:
    """Say what a running machine lacks of `wait`, such as after a run that was killed meanwhile."""
    running = run.running
    if desired.wait == "none" or desired.state != "started" or running is None:
        return ""
    if stand(run.state, run.reason)[0]:
        return ""  # nothing answers there: it is told to go on first
    if not reached:
        return "it has no address yet" if interfaces(running) else ""
    seeded = any(is_seed(attribute(d, "source", "volume") or "") for d in disks(running))
    if desired.wait == "address" or (desired.wait == "cloud_init" and not seeded):
        # A seed that is not attached yet has not been read.
        return ""
    from .console import shortfall

    return shortfall(desired, reached[0], record(running))


def macs_of_others(
    host: Hypervisor, desired: Desired, config: Optional[Element], networks: Mapping[str, Element]
) -> Dict[str, str]:
    """Return which other machine has which MAC, for a task that declares one.

    Also where a network holds what may be left of one (see `leftovers`).
    """
    entries = list((desired.declared.get("networks") or {}).items())
    own = [mac_of(item) for item in interfaces(config)] if config is not None else []
    named = any(
        leftovers(
            networks[entry["network"]], host_name(desired.name, number), entry["address"], own
        )
        for number, entry in entries
        if entry.get("address") and entry["network"] in networks
    )
    if not named and not any("mac" in entry for _number, entry in entries):
        return {}
    macs: Dict[str, str] = {}
    for name, root in documents(host, host.lib.VIR_DOMAIN_XML_INACTIVE):
        if name != desired.name:
            macs.update({mac_of(item): name for item in interfaces(root)})
    return macs


def leftovers(network: Element, name: str, address: str, own: Sequence[str]) -> List[str]:
    """Return MACs, but for the machine's own, of reservations of its name and address.

    If no machine has such a MAC, it belonged to one of this name that was removed by hand.
    """
    hosts = network.findall("ip/dhcp/host") if name else []
    same = [entry for entry in hosts if (entry.get("name"), entry.get("ip")) == (name, address)]
    macs = [str(entry.get("mac")).lower() for entry in same]
    return [mac for mac in macs if mac not in own]


def kvm_works() -> bool:
    """Tell whether this host can accelerate: the device is there and the CPU has the feature.

    A /dev/kvm without vmx or svm in /proc/cpuinfo cannot be used.
    """
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as info:
            flags = next((line for line in info if line.startswith("flags")), "")
    except OSError:
        return False
    return not flags or bool({"vmx", "svm"} & set(flags.split()))
