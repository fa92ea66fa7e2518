# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk's entry among a machine's options: read from what is there, written into documents."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Mapping, Optional

from ..client.domain_xml import Element, attribute, child, ensure, put_alias
from .names import alias_of, volume_name

if TYPE_CHECKING:
    from .chain import Disk

Entry = Dict[str, Any]

# What device names begin with, by bus.
PREFIX = {"virtio": "vd", "scsi": "sd", "sata": "sd", "usb": "sd"}
# What LVM hands out at once by default (lvm.conf); libvirt does not tell.
_EXTENT = 4 << 20
SCSI_MODEL = "virtio-scsi"
# Models that kernels of cloud images drive.
SCSI_DRIVEN = (SCSI_MODEL, "virtio-transitional", "virtio-non-transitional")
# Disks that libvirt puts on one controller, by the letters of their names (seen of 9.0, whatever
# the model: virDomainDiskDefAssignAddress).
DISKS_PER_CONTROLLER = 7
_VERSION = re.compile(r"(.+)-[0-9a-f]{12}\.qcow2")


def read_disk(disk: Disk, declared: Optional[Mapping[str, Any]]) -> Entry:
    """Return a disk as it is, of a declared one no more than what was declared.

    What is unknown counts as declared: its file is in no pool, or not there.
    """
    entry: Entry = {
        "pool": _pool_of(disk, declared),
        "size": disk.capacity,
        "image": disk.base,
        "bus": disk.bus,
    }
    if declared is None:
        return {key: value for key, value in entry.items() if value}
    if disk.is_gone or entry["size"] is None or _is_rounded(disk, declared):
        entry["size"] = declared.get("size")
    if disk.is_gone or stays(disk, declared.get("image")):
        entry["image"] = declared.get("image")
    entry["pool"] = entry["pool"] or declared["pool"]
    return {key: entry[key] for key in declared if entry[key]}


def _pool_of(disk: Disk, declared: Optional[Mapping[str, Any]]) -> str:
    """Return the pool of a disk: of any of its files the declared one, else that of its top."""
    pools = [entry.pool for entry in disk.files]
    return declared["pool"] if declared and declared["pool"] in pools else (pools or [""])[0]


def _is_rounded(disk: Disk, declared: Mapping[str, Any]) -> bool:
    """Tell whether a raw volume is larger by less than what LVM hands out at once."""
    size = declared.get("size")
    raw = disk.top is not None and disk.top.format == "raw"
    return bool(raw and size and disk.capacity and 0 <= disk.capacity - size < _EXTENT)


def stays(disk: Disk, image: Optional[str]) -> bool:
    """Tell whether a disk of a declared image is right as it is.

    It stands on that image, or on another version of it, or on none any more (flattened): what
    was written to it since cannot be carried over.
    """
    below = [entry.name for entry in disk.files[1:]]
    if image is None or image in below or not disk.base:
        return True
    entry, other = _VERSION.fullmatch(image), _VERSION.fullmatch(disk.base)
    return bool(entry and other and entry.group(1) == other.group(1))


def write_disk(
    root: Element, name: str, entry: Entry, element: Optional[Element], raw: bool
) -> None:
    """Add a disk to a domain, or give its `element` there another bus."""
    if element is None:
        machine = root.findtext("name") or ""
        element = child(ensure(root, "devices"), "disk", type_="volume", device="disk")
        child(element, "driver", name="qemu", type_="raw" if raw else "qcow2", discard="unmap")
        child(element, "source", pool=entry["pool"], volume=volume_name(machine, name))
        child(element, "target", dev=free_target(root, entry["bus"]), bus=entry["bus"])
        put_alias(element, alias_of(name))
    target = element.find("target")
    if target is not None and target.get("bus") != entry["bus"]:
        target.set("bus", entry["bus"])
        target.set("dev", free_target(root, entry["bus"]))
        for address in element.findall("address"):
            element.remove(address)
    if entry["bus"] == "scsi":
        _need_controllers(root, attribute(element, "target", "dev") or "")


def _need_controllers(root: Element, target: str) -> None:
    """Add what a SCSI disk is plugged into: libvirt's own choice has no driver in cloud kernels."""
    there = {entry.get("index") for entry in scsi_controllers(root)}
    for number in range((ord(target[-1]) - ord("a")) // DISKS_PER_CONTROLLER + 1):
        if str(number) not in there:
            index = str(number)
            child(
                ensure(root, "devices"), "controller", type_="scsi", index=index, model=SCSI_MODEL
            )


def scsi_controllers(root: Element) -> List[Element]:
    """Return the SCSI controllers of a document."""
    return root.findall("devices/controller[@type='scsi']")


def free_target(root: Element, bus: str) -> str:
    """Return the first free device name of a bus: vda, vdb, …; vdz is the seed's."""
    return PREFIX[bus] + next(free_letters(root, bus))


def free_letters(root: Element, bus: str) -> Iterator[str]:
    """Yield the letters of a bus's free device names in order."""
    taken = {attribute(disk, "target", "dev") for disk in root.findall("devices/disk")}
    for letter in map(chr, range(ord("a"), ord("z"))):
        if PREFIX[bus] + letter not in taken:
            yield letter
