# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who uses a file of a pool: machines, and other files that are backed by it. Reads only."""

from __future__ import annotations

import os
from typing import Collection, Dict, Iterator, List, Mapping, Sequence, Tuple

from ..client.domain_xml import Element
from ..client.hypervisor import Hypervisor
from ..client.storage import Volume, describe, documents
from .chain import files_of

# What a machine reads or writes beside its disks.
_LOOSE = ("os/nvram", "os/kernel", "os/initrd", "os/loader")


def users_of(host: Hypervisor, path: str, but: str = "") -> Tuple[str, ...]:
    """Return the names of domains whose disks are, or are backed by, the file at a path.

    Both documents of a domain count, what runs and what is configured. `but` is the UUID of one
    that does not count.
    """
    wanted, users = os.path.realpath(path), set()
    for name, root in _all_documents(host):
        if root.findtext("uuid") != but and wanted in _files(host, root):
            users.add(name)
    return tuple(sorted(users))


def _all_documents(host: Hypervisor) -> Iterator[Tuple[str, Element]]:
    yield from documents(host, 0)
    yield from documents(host, host.lib.VIR_DOMAIN_XML_INACTIVE)


def _files(host: Hypervisor, root: Element) -> List[str]:
    """Return the whole chains of a domain's disks, and its other files, as real paths."""
    paths = [root.findtext(place) or "" for place in _LOOSE]
    for disk in root.findall("devices/disk"):
        paths += [entry.path for entry in files_of(host, disk)]
    return [os.path.realpath(entry) for entry in paths if entry]


def claims(host: Hypervisor, volumes: Sequence[Volume], but: str) -> Dict[str, str]:
    """Return who else uses each of a machine's volumes, by name and in words, "" for none.

    That is another machine than the one of the UUID `but`, or a file that is backed by one of
    them, and is none of them: its data would be lost as well.
    """
    own = {os.path.realpath(entry.path) for entry in volumes}
    for pool in sorted({entry.pool for entry in volumes}):
        # After a refresh libvirt knows what was created by hand.
        host.refresh(host.pool(pool))
    users: Dict[str, List[str]] = {}
    for name, root in _all_documents(host):
        if root.findtext("uuid") != but:
            for path in own.intersection(_files(host, root)):
                users.setdefault(path, []).append(f"the machine {name}")
    backed = _backings(host)
    for path in own - set(users):
        # What a machine has on top of it was found with the machine.
        above = _above(path, backed, own)
        users[path] = [f"the disk {entry}" for entry in above]
    output = {entry.name: sorted(set(users[os.path.realpath(entry.path)])) for entry in volumes}
    return {name: ", ".join(words) for name, words in output.items() if words}


def writers(host: Hypervisor, volumes: Sequence[Volume]) -> Dict[str, str]:
    """Return the machines that write to volumes, by name and in words: these are no bases."""
    places: Dict[object, str] = {(entry.pool, entry.name): entry.name for entry in volumes}
    places.update({os.path.realpath(entry.path): entry.name for entry in volumes})
    users: Dict[str, List[str]] = {}
    for name, root in _all_documents(host):
        for disk in root.findall("devices/disk"):
            used = places.get(_written(disk)) if disk.find("readonly") is None else None
            if used is not None:
                users.setdefault(used, []).append(f"the machine {name}")
    return {name: ", ".join(sorted(set(words))) for name, words in users.items()}


def _written(disk: Element) -> object:
    """Return where a disk is written: (pool, volume), or a path."""
    source = disk.find("source")
    if source is None or source.get("volume"):
        return None if source is None else (source.get("pool"), source.get("volume"))
    return os.path.realpath(source.get("file") or source.get("dev") or "")


def overlays_of(host: Hypervisor, path: str) -> Tuple[str, ...]:
    """Return the paths of volumes that are backed by the file at a path, in whatever pool."""
    return _above(path, _backings(host))


def _above(path: str, backed: Mapping[str, str], but: Collection[str] = ()) -> Tuple[str, ...]:
    others = [entry for entry in backed if entry != path and os.path.realpath(entry) not in but]
    return tuple(sorted(entry for entry in others if _reaches(entry, path, backed)))


def _backings(host: Hypervisor) -> Dict[str, str]:
    """Return the path of the backing file by path, for the volumes of all active pools."""
    backed: Dict[str, str] = {}
    for pool in host.call("listAllStoragePools", 0):
        if host.call("isActive", on=pool):
            name = str(host.call("name", on=pool))
            for volume in host.call("listAllVolumes", 0, on=pool):
                entry = describe(host, name, volume)
                if entry is not None:
                    backed[entry.path] = entry.backing
    return backed


def _reaches(start: str, path: str, backed: Mapping[str, str]) -> bool:
    seen = set()
    while start and start not in seen:
        if start == path:
            return True
        seen.add(start)
        start = backed.get(start, "")
    return False
