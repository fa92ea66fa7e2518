# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The disks of a machine as they are: which is which, and where their volumes are. Reads only."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

from ..client.domain_xml import Element, attribute, record
from ..client.hypervisor import Hypervisor
from ..client.storage import Volume, find_volume
from ..disk.chain import Disk, look_at
from ..disk.names import Disks, disk_elements, identify, name_in, plugged_names, volume_name
from .desired import Desired, seed_volume


def disks_of(
    host: Hypervisor, domain: Any, config: Optional[Element], running: Optional[Element]
) -> Disks:
    """Return the disks of a defined machine, its seed left out."""
    if config is None:
        return Disks()
    told, machine = record(config), config.findtext("name") or ""
    seen = [look_at(host, entry, domain) for entry in disk_elements(config, told)]
    own, rest = identify(seen, machine, told)
    own = {name: _with_base(disk, told) for name, disk in own.items()}
    plugged: Dict[str, str] = {}
    if running is not None:
        runs = [_glance(host, entry) for entry in disk_elements(running, told)]
        plugged = plugged_names(runs, own, machine, told)
    return Disks(own, _shown(own, rest), plugged)


def _glance(host: Hypervisor, element: Element) -> Disk:
    """Return a running disk; one that tells its name needs no look at its files."""
    alias = attribute(element, "alias", "name") or ""
    if not name_in(alias):
        return look_at(host, element)
    return Disk(attribute(element, "target", "dev") or "", "", alias, (), "")


def _with_base(disk: Disk, told: Mapping[str, Any]) -> Disk:
    """Return a disk with the name of what it stands on, but for the machine's own volumes."""
    ours = {(entry["pool"], entry["name"]) for entry in told.get("volumes", ())}
    last = disk.files[-1] if len(disk.files) > 1 else None
    is_base = last is not None and (last.pool, last.name) not in ours
    return replace(disk, base=last.name if last is not None and is_base else "")


def _shown(own: Mapping[str, Disk], rest: Sequence[Disk]) -> Dict[str, Disk]:
    """Return other people's disks by device name, which no own disk has as its name."""
    return {
        disk.target if disk.target not in own else f"{disk.target} ({disk.source})": disk
        for disk in rest
    }


def volume_of(machine: str, name: str, entry: Mapping[str, Any], known: Disks) -> Tuple[str, str]:
    """Return (pool, name) of the volume of a declared disk: where it is, else where it would be."""
    disk = known.own.get(name)
    top = None if disk is None else disk.top
    if top is not None and top.pool:
        return top.pool, top.name
    return str(entry["pool"]), volume_name(machine, name)


def volumes_of(
    host: Hypervisor,
    desired: Desired,
    config: Optional[Element],
    known: Disks,
    pools: Mapping[str, Any],
) -> Dict[str, Volume]:
    """Return the volumes that are there of those that are declared or recorded, by name."""
    disks, recorded = desired.declared.get("disks") or {}, record(config).get("volumes", ())
    names = {volume_name(desired.name, name): str(entry["pool"]) for name, entry in disks.items()}
    if desired.cloud_init is not None:
        pool, seed = seed_volume(desired, recorded)
        names[seed] = pool
    names.update({str(item["name"]): str(item["pool"]) for item in recorded})
    # Where a disk is now counts more than where it was made.
    seen = {item.name: item for disk in known.own.values() for item in disk.files if item.pool}
    volumes = {
        name: seen[name] if name in seen else find_volume(host, pool, name)
        for name, pool in names.items()
        if name in seen or pool in pools
    }
    return {name: item for name, item in volumes.items() if item is not None and item.path}


def claims_of(
    host: Hypervisor,
    desired: Desired,
    config: Optional[Element],
    known: Disks,
    volumes: Sequence[Volume],
) -> Dict[str, str]:
    """Return by volume, in words, who else uses what would be deleted, attached or an image."""
    told = record(config)
    if desired.state == "absent" or told.get("removing"):
        if not told:
            return {}
        from ..disk.users import claims

        files = [entry for disk in known.own.values() for entry in disk.files]
        own = {entry.path: entry for entry in [*volumes, *files] if entry.path and entry.pool}
        return claims(host, list(own.values()), told["instance"])
    return {
        **_writers(host, desired, known, volumes),
        **_takers(host, desired, told, known, volumes),
    }


def _writers(
    host: Hypervisor, desired: Desired, known: Disks, volumes: Sequence[Volume]
) -> Dict[str, str]:
    """Return who writes to the images of new disks."""
    disks = desired.declared.get("disks") or {}
    wanted = {str(entry.get("image")) for name, entry in disks.items() if name not in known.own}
    bases = [item for item in volumes if item.name in wanted]
    if not bases:
        return {}
    from ..disk.users import writers

    return writers(host, bases)


def _takers(
    host: Hypervisor,
    desired: Desired,
    told: Mapping[str, Any],
    known: Disks,
    volumes: Sequence[Volume],
) -> Dict[str, str]:
    """Return who has got the volumes of disks that were detached, and would be attached again."""
    disks = desired.declared.get("disks") or {}
    names = {volume_name(desired.name, name) for name in disks if name not in known.own}
    names &= {entry["name"] for entry in told.get("volumes", ())}
    taken = [entry for entry in volumes if entry.name in names]
    if not taken:
        return {}
    from ..disk.users import claims

    return claims(host, taken, told["instance"])


def snapshots_of(host: Hypervisor, desired: Desired, domain: Any, known: Disks) -> Tuple[str, ...]:
    """Return the names of internal snapshots, if they matter: a disk of version 2 shall grow."""
    declared = desired.declared.get("disks") or {}
    for name, disk in known.own.items():
        size, top = declared.get(name, {}).get("size"), disk.top
        if top and top.is_old and size and disk.capacity and size > disk.capacity:
            internal = host.lib.VIR_DOMAIN_SNAPSHOT_LIST_INTERNAL
            return tuple(sorted(host.call("snapshotListNames", internal, on=domain)))
    return ()
