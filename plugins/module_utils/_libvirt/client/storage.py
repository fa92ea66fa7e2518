# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes and pools: what is there, and the few mutations of theirs that machines need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterable, Iterator, Optional, Tuple

from ..._desired.errors import FleetError
from .domain_xml import Element, attribute, child, document, parse, text_of
from .hypervisor import Hypervisor, LibvirtError

_PIECE = 1 << 18
# Types of pools in which volumes can be made under a name, and be a machine's disks
# (virDomainDiskTranslateSourcePool): of files, and of devices.
FILES = ("dir", "fs", "netfs", "vstorage")
DEVICES = ("logical", "zfs")


@dataclass(frozen=True)
class Volume:
    """A volume as found: sizes in bytes, `backing` the path of its backing image.

    `is_old` tells a qcow2 file of version 2.
    """

    pool: str
    name: str
    capacity: int
    path: str
    format: str
    backing: str = ""
    is_old: bool = False


@dataclass(frozen=True)
class Pool:
    """A pool as found: sizes in bytes, `path` of a directory pool, `kind` as libvirt calls it."""

    name: str
    active: bool
    path: str
    available: int
    kind: str = "dir"

    @property
    def is_raw(self) -> bool:
        """Whether its volumes are devices, which hold no other format than raw."""
        return self.kind not in FILES


def find_pool(host: Hypervisor, name: str) -> Optional[Pool]:
    """Return a pool by name, None if there is none."""
    pool = host.pool(name)
    if pool is None:
        return None
    active = bool(host.call("isActive", on=pool))
    root = parse(host.call("XMLDesc", 0, on=pool))
    _state, _capacity, _allocation, available = host.call("info", on=pool)
    path, kind = root.findtext("target/path") or "", root.get("type") or ""
    return Pool(name, active, path, int(available), kind)


def find_volume(host: Hypervisor, pool: str, name: str) -> Optional[Volume]:
    """Return a volume by name, None if there is none or its pool is not active."""
    holder = host.pool(pool)
    if holder is None or not host.call("isActive", on=holder):
        return None
    volume = host.volume(holder, name)
    result = None if volume is None else describe(host, pool, volume)
    if volume is not None and result is None:
        # Its file was deleted: until libvirt looks, it makes no other volume of that name.
        host.refresh(holder)
    return result


def describe(host: Hypervisor, pool: str, volume: Any) -> Optional[Volume]:
    """Return what a virStorageVol is, None if it was removed meanwhile."""
    text = host.call("XMLDesc", 0, on=volume, missing=(host.lib.VIR_ERR_NO_STORAGE_VOL,))
    if text is None:
        return None
    root = parse(text)
    kind = attribute(root, "target/format", "type") or "raw"
    return Volume(
        pool=pool,
        name=root.findtext("name") or "",
        capacity=int(root.findtext("capacity") or 0),
        path=root.findtext("target/path") or "",
        format=kind,
        backing=root.findtext("backingStore/path") or "",
        # Shown of version 3 alone (libvirt 9.0).
        is_old=kind == "qcow2" and root.findtext("target/compat") in (None, "0.10"),
    )


def volume_xml(
    name: str, capacity: int, kind: str, backing: Optional[Volume] = None, mode: str = "0600"
) -> str:
    """Return the document of a new volume; the backing format is written, never probed."""
    root = document("volume")
    child(root, "name").text = name
    child(root, "capacity", unit="bytes").text = str(capacity)
    target = child(root, "target")
    child(target, "format", type_=kind)
    if kind == "qcow2":
        # Left out, it is version 2: no bitmaps, and no growth beside a snapshot.
        child(target, "compat").text = "1.1"
    permissions = child(target, "permissions")
    child(permissions, "mode").text = mode
    if backing is not None:
        store = child(root, "backingStore")
        child(store, "path").text = backing.path
        child(store, "format", type_=backing.format)
    return text_of(root)


def create(
    host: Hypervisor, pool: str, name: str, capacity: int, kind: str, backing: Optional[Volume]
) -> None:
    """Create a volume; raise FleetError if the pool is full."""
    holder = need_pool(host, pool)
    try:
        host.call("createXML", volume_xml(name, capacity, kind, backing), 0, on=holder)
    except LibvirtError as error:
        raise explain(error, pool, f"cannot create the volume {name}") from None


def delete(host: Hypervisor, pool: str, name: str) -> bool:
    """Delete a volume; return False if it is gone already."""
    holder = host.pool(pool)
    if holder is None:
        return False
    volume = host.volume(holder, name)
    if volume is None:
        return False
    host.call("delete", 0, on=volume, missing=(host.lib.VIR_ERR_NO_STORAGE_VOL,))
    return True


def resize(host: Hypervisor, pool: str, name: str, size: int) -> None:
    """Give an unused volume a larger capacity, in bytes."""
    volume = _need_volume(host, pool, name)
    try:
        host.call("resize", size, 0, on=volume)
    except LibvirtError as error:
        raise explain(error, pool, f"cannot grow the volume {name}") from None


def upload(host: Hypervisor, pool: str, name: str, pieces: Iterable[bytes], size: int) -> None:
    """Write `size` bytes into an existing volume from its beginning; raise FleetError if full."""
    volume = _need_volume(host, pool, name)
    stream = host.call("newStream", 0)
    try:
        host.call("upload", stream, 0, size, 0, on=volume)
        for piece in pieces:
            view = memoryview(piece)
            while view:
                sent = host.call("send", bytes(view[:_PIECE]), on=stream)
                view = view[sent:]
        host.call("finish", on=stream)
    except LibvirtError as error:
        raise explain(error, pool, f"cannot write the volume {name}") from None


def download(host: Hypervisor, pool: str, name: str) -> bytes:
    """Return a small volume's content."""
    volume = _need_volume(host, pool, name)
    stream = host.call("newStream", 0)
    host.call("download", stream, 0, 0, 0, on=volume)
    return b"".join(_received(host, stream))


def _received(host: Hypervisor, stream: Any) -> Iterator[bytes]:
    while True:
        piece = host.call("recv", _PIECE, on=stream)
        if not piece:
            host.call("finish", on=stream)
            return
        yield piece


def need_pool(host: Hypervisor, name: str) -> Any:
    """Return the virStoragePool of a name; raise FleetError if it is gone meanwhile."""
    pool = host.pool(name)
    if pool is None:
        raise FleetError(f"the pool {name} is gone", hint="it was removed meanwhile")
    return pool


def _need_volume(host: Hypervisor, pool: str, name: str) -> Any:
    volume = host.volume(need_pool(host, pool), name)
    if volume is None:
        raise FleetError(f"the volume {name} is gone", hint="it was removed meanwhile")
    return volume


def explain(error: LibvirtError, pool: str, what: str) -> FleetError:
    """Return the error of a failed write into a pool, with what the user can do about it."""
    full = "No space left" in error.message or "ENOSPC" in error.message
    hint = f"the pool {pool} is full: free some space and run again" if full else None
    return FleetError(f"{what}: {error.message}", hint=hint)


def documents(host: Hypervisor, flags: int) -> Iterator[Tuple[str, Element]]:
    """Yield the names and documents of all domains, but of those removed meanwhile."""
    for domain in host.call("listAllDomains", 0):
        text = host.call("XMLDesc", flags, on=domain, missing=(host.lib.VIR_ERR_NO_DOMAIN,))
        if text is not None:
            yield str(host.call("name", on=domain)), parse(text)
