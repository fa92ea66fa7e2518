# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk of a machine as its document has it, with the chain of files that it stands on.

A snapshot, a copy or a move by hand puts other files under a disk: what it holds is in the whole
chain, top first. Reads only.
"""

from __future__ import annotations

import os
import posixpath
import stat
import struct
from dataclasses import dataclass
from typing import Any, List, Optional, Sequence, Tuple

from ..client.domain_xml import Element, attribute
from ..client.hypervisor import Hypervisor
from ..client.storage import Volume, describe, find_pool, find_volume

# Files of a chain that are looked at; QEMU itself gives up at 200.
_DEPTH = 64
_QCOW2 = b"QFI\xfb"
# The longest name of a backing file (QEMU docs/interop/qcow2.txt).
_LONGEST = 1023


@dataclass(frozen=True)
class Disk:
    """A disk: its device name, bus, alias, and the files that it stands on, top first.

    A file that is in no active pool has no `pool` and a capacity of 0; one that is not there has
    no `path`. `source` says in words what it is, also where it is no file. `pinned` tells that
    the document itself names what is below the top. `capacity` is None if unknown. `base` is
    the name of the file at the bottom, "" if the disk has no more than its own.
    """

    target: str
    bus: str
    alias: str
    files: Tuple[Volume, ...]
    source: str
    pinned: bool = False
    capacity: Optional[int] = None
    base: str = ""

    @property
    def top(self) -> Optional[Volume]:
        """The file that is written to, None if it is none (a disk of the network)."""
        return self.files[0] if self.files else None

    @property
    def is_gone(self) -> bool:
        """Whether its file is known not to be there."""
        return self.top is not None and not self.top.path

    def stands_on(self, pool: str, name: str) -> bool:
        """Tell whether a volume is one of its files."""
        return any((entry.pool, entry.name) == (pool, name) for entry in self.files)


def look_at(host: Hypervisor, element: Element, domain: Any = None) -> Disk:
    """Return what a `<disk>` is; its `domain`, if it is given, tells sizes that no pool knows."""
    files = files_of(host, element)
    target = attribute(element, "target", "dev") or ""
    top = files[0] if files else None
    capacity = top.capacity if top is not None and top.path else None
    if top is not None and top.path and not top.pool and domain is not None:
        # A file that cannot be read or is gone: unknown.
        told = host.call("blockInfo", target, 0, on=domain, missing=_UNTOLD)
        capacity = int(told[0]) if told else None
    return Disk(
        target=target,
        bus=attribute(element, "target", "bus") or "",
        alias=attribute(element, "alias", "name") or "",
        files=files,
        source=_words(element),
        pinned=element.find("backingStore/source") is not None,
        capacity=capacity or None,
    )


# virterror.h: no such file, not supported, not valid in this state.
_UNTOLD = (1, 3, 8, 38, 55)


def _words(element: Element) -> str:
    source = element.find("source")
    if source is None:
        return "nothing"
    if source.get("protocol"):
        return f"{source.get('protocol')}:{source.get('name') or ''}"
    if source.get("volume"):
        return f"{source.get('pool')}/{source.get('volume')}"
    return source.get("file") or source.get("dev") or source.get("dir") or "unknown"


def files_of(host: Hypervisor, element: Element) -> Tuple[Volume, ...]:
    """Return the files that a `<disk>` stands on: as the document has them, then as they tell.

    Below a raw file nothing is believed: a guest can write there what reads like a header.
    """
    files: List[Volume] = []
    holder, kind = element, attribute(element, "driver", "type") or "raw"
    while len(files) < _DEPTH:
        place = _place(host, holder.find("source"), kind)
        if place is None or _is_seen(place, files):
            break
        files.append(place)
        below = holder.find("backingStore")
        if below is None:
            files += _told(host, place, kind, files)
            break
        holder, kind = below, attribute(below, "format", "type") or "raw"
    return tuple(files)


def _is_seen(place: Volume, known: Sequence[Volume]) -> bool:
    return bool(place.path) and any(entry.path == place.path for entry in known)


def _place(host: Hypervisor, source: Optional[Element], kind: str) -> Optional[Volume]:
    """Return the file of a `<source>`, None for what is no file."""
    if source is None:
        return None
    pool, name = source.get("pool"), source.get("volume")
    if pool and name:
        return find_volume(host, pool, name) or Volume(pool, name, 0, "", kind)
    path = source.get("file") or source.get("dev")
    return at_path(host, path, kind) if path else None


def at_path(host: Hypervisor, path: str, kind: str = "") -> Volume:
    """Return the volume at a path, or what stands for it where no active pool has it."""
    path = posixpath.normpath(path)
    for entry in dict.fromkeys((path, os.path.realpath(path))):
        result = _lookup(host, entry)
        if result is not None:
            return result
    holder = _pool_at(host, posixpath.dirname(path))
    if holder is not None:
        # Made by hand since libvirt looked: it knows after another look.
        host.refresh(host.pool(holder))
        result = _lookup(host, path)
        return result or Volume(holder, posixpath.basename(path), 0, "", kind)
    return Volume("", posixpath.basename(path), 0, path, kind)


def _lookup(host: Hypervisor, path: str) -> Optional[Volume]:
    missing = (host.lib.VIR_ERR_NO_STORAGE_VOL,)
    volume = host.call("storageVolLookupByPath", path, missing=missing)
    if volume is None:
        return None
    pool = host.call("storagePoolLookupByVolume", on=volume)
    result = describe(host, str(host.call("name", on=pool)), volume)
    if result is None:
        host.refresh(pool)
    return result


def _pool_at(host: Hypervisor, folder: str) -> Optional[str]:
    """Return the active pool of a folder, None if there is none."""
    for entry in host.call("listAllStoragePools", 0):
        pool = find_pool(host, str(host.call("name", on=entry)))
        if pool is not None and pool.active and pool.path == folder and pool.kind == "dir":
            return pool.name
    return None


def _told(host: Hypervisor, top: Volume, kind: str, above: Sequence[Volume]) -> List[Volume]:
    """Return the files below one, as they tell themselves."""
    files: List[Volume] = []
    here, kind = top, top.format if top.pool else kind
    while kind != "raw" and len(files) + len(above) < _DEPTH:
        path = here.backing if here.pool else _backing_in(here.path)
        if not path:
            break
        here = at_path(host, path)
        if _is_seen(here, [*above, *files]):
            break
        files.append(here)
        kind = here.format
    return files


def _backing_in(path: str) -> str:
    """Return the path of what a qcow2 file that is in no pool is backed by, "" if none is told.

    Only what is a file and this user may read is read, and only its head.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return ""
        head = os.pread(handle, 20, 0)
        if len(head) < 20 or not head.startswith(_QCOW2):
            return ""
        offset, size = struct.unpack(">QI", head[8:20])
        if not offset or not 0 < size <= _LONGEST or offset >= 1 << 40:
            return ""
        name = os.pread(handle, size, offset).decode("utf-8", "replace")
    except OSError:
        return ""
    finally:
        os.close(handle)
    if ":" in name.partition("/")[0]:
        return ""  # no file: nbd:…, json:…
    return posixpath.join(posixpath.dirname(path), name)
