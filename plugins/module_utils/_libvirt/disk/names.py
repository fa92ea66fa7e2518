# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which disk of a machine is which: a name that survives what becomes of its file.

A disk that we write has its name in an alias (`ua-dockyard-root`), which libvirt keeps through
snapshots, copies and moves. A machine that was made before has none: there the record's volumes
tell, which are somewhere in the chain of a disk, and then the name of its file.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from ..client.domain_xml import Element, attribute, disks, put_alias

if TYPE_CHECKING:
    from .chain import Disk

_PREFIX = "ua-dockyard-"


@dataclass(frozen=True)
class Disks:
    """The disks of a machine: `own` by name, `others` (attached by hand) by device name.

    `plugged` maps the names of own disks that run to their device names there.
    """

    own: Mapping[str, Disk] = field(default_factory=dict)
    others: Mapping[str, Disk] = field(default_factory=dict)
    plugged: Mapping[str, str] = field(default_factory=dict)


NO_DISKS = Disks()


def alias_of(name: str) -> str:
    """Return the alias of a disk; libvirt takes letters, digits, `_` and `-` (9.0)."""
    return _PREFIX + name.replace("_", "__").replace(".", "_d")


def name_in(alias: Optional[str]) -> str:
    """Return the disk's name in an alias of ours, "" if it is none."""
    if not alias or not alias.startswith(_PREFIX):
        return ""
    written = alias[len(_PREFIX) :]
    return re.sub("__|_d", lambda match: "_" if match.group() == "__" else ".", written)


def seed_name(machine: str) -> str:
    """Return the name of a machine's seed volume."""
    return f"{machine}-seed.img"


def is_seed(volume: str) -> bool:
    """Tell whether a volume of a machine is its seed, under whatever name the machine had."""
    return volume.endswith("-seed.img")


def volume_name(machine: str, disk: str) -> str:
    """Return the name of a new disk's volume."""
    return f"{machine}-{disk}.qcow2"


def disk_name(machine: str, volume: str) -> str:
    """Return the disk's name of a volume's: `web01-root.qcow2` is `root`."""
    stem = volume[: -len(".qcow2")] if volume.endswith(".qcow2") else volume
    return stem[len(machine) + 1 :] if stem.startswith(f"{machine}-") else stem


def seeds_of(machine: str, record: Mapping[str, Any]) -> List[str]:
    """Return the names that the machine's seed may have: it may have been renamed since."""
    recorded = [str(entry["name"]) for entry in record.get("volumes", ())]
    return [*filter(is_seed, recorded), seed_name(machine)]


def former_name(machine: str, record: Mapping[str, Any]) -> str:
    """Return the name that the machine had when its record was written."""
    return str(record.get("address") or f"vm/{machine}")[len("vm/") :]


def disk_elements(root: Element, record: Mapping[str, Any]) -> Iterator[Element]:
    """Yield a domain's disks, its seed left out."""
    seeds = seeds_of(root.findtext("name") or "", record)
    for disk in disks(root):
        name = attribute(disk, "source", "volume") or ""
        path = attribute(disk, "source", "file") or attribute(disk, "source", "dev") or ""
        if (name or posixpath.basename(path)) not in seeds:
            yield disk


def element_of(root: Element, name: str, known: Disks) -> Optional[Element]:
    """Return the `<disk>` of a name in a document: by its alias, else by its device name."""
    target = known.own[name].target if name in known.own else ""
    unnamed = None
    for disk in disks(root):
        told = name_in(attribute(disk, "alias", "name"))
        if told == name:
            return disk
        if not told and target and attribute(disk, "target", "dev") == target:
            unnamed = disk
    return unnamed


def give_names(root: Element, known: Disks) -> None:
    """Write the aliases of disks that have none of their own yet."""
    for name in known.own:
        element = element_of(root, name, known)
        if element is not None and element.find("alias") is None:
            put_alias(element, alias_of(name))


def identify(
    entries: Sequence[Disk], machine: str, record: Mapping[str, Any]
) -> Tuple[Dict[str, Disk], List[Disk]]:
    """Return the machine's own disks by name, and those that are not."""
    own: Dict[str, Disk] = {}
    rest: List[Disk] = []
    for disk in entries:
        name = name_in(disk.alias)
        if name and name not in own:
            own[name] = disk
        else:
            rest.append(disk)
    former = former_name(machine, record)
    recorded = [entry for entry in record.get("volumes", ()) if not is_seed(entry["name"])]
    for entry in recorded:
        matching = [disk for disk in rest if disk.stands_on(entry["pool"], entry["name"])]
        _take(own, rest, disk_name(former, entry["name"]), matching)
    # Moved to another pool, or into a file of the same name; whose are they in a foreign machine?
    names = {disk_name(former, entry["name"]) for entry in recorded}
    for name in sorted(names) if record else _file_names(machine, rest):
        alike = [disk for disk in rest if _file_name(former, disk) == name]
        _take(own, rest, name, alike if len(alike) == 1 else [])
    return own, rest


def _take(own: Dict[str, Disk], rest: List[Disk], name: str, matching: Sequence[Disk]) -> None:
    if name not in own and matching:
        own[name] = matching[0]
        rest.remove(matching[0])


def _file_name(former: str, disk: Disk) -> str:
    return disk_name(former, disk.top.name) if disk.top is not None else ""


def _file_names(machine: str, entries: Sequence[Disk]) -> List[str]:
    return [name for name in dict.fromkeys(_file_name(machine, disk) for disk in entries) if name]


def plugged_names(
    running: Sequence[Disk], own: Mapping[str, Disk], machine: str, record: Mapping[str, Any]
) -> Dict[str, str]:
    """Return the names of own disks that run, with their device names there.

    A machine that was started before its disks got names has none there.
    """
    named, rest = identify(running, machine, record)
    for name, disk in own.items():
        same = [entry for entry in rest if _place(entry) == _place(disk)]
        _take(named, rest, name, same or [entry for entry in rest if entry.target == disk.target])
    return {name: disk.target for name, disk in named.items()}


def _place(disk: Disk) -> Tuple[str, str]:
    top = disk.top
    if top is None:
        return "", disk.source
    return (top.pool, top.name) if top.pool else ("", top.path)
