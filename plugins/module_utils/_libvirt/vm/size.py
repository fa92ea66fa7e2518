# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""CPUs and memory: the rows of both, and what is written beside them by hand.

A topology, NUMA cells and memory devices (DIMMs) stay; the numbers of ours that they repeat
follow, where only one way to do that makes sense (libvirt's domain format, "CPU model and
topology", "Memory devices").
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from ..._desired.errors import InvalidOption
from ..._desired.fields import Context
from ..._desired.sizes import parse_size, show_size
from ..client.domain_xml import Element, ensure

_MIB = 1 << 20
_KIB = {"b": 0, "bytes": 0, "k": 10, "kib": 10, "m": 20, "mib": 20, "g": 30, "gib": 30, "t": 40}
_BY_HAND = "change that by hand (virsh edit), or leave it with ignore_changes: [{option}]"


def parse_count(value: Any, where: str) -> int:
    """Return a number of CPUs."""
    if isinstance(value, bool) or int(value) < 1:
        raise InvalidOption(f"'{value}' is not a number of CPUs", option=where, hint="such as 2")
    return int(value)


def read_count(obj: Mapping[str, Any], context: Context) -> Optional[int]:
    """Return how many CPUs the guest has, which may be fewer than it could have."""
    vcpu = obj["config"].find("vcpu")
    return None if vcpu is None else int(vcpu.get("current") or vcpu.text or 0) or None


def write_count(result: Dict[str, Any], value: Any, context: Context) -> None:
    """Give the guest so many CPUs, at most as many as its topology has, or more sockets."""
    root = result["config"]
    vcpu, topology, most = ensure(root, "vcpu"), root.find("cpu/topology"), value
    vcpu.attrib.pop("current", None)
    for old in root.findall("vcpus"):  # which of them are there: libvirt says it anew
        root.remove(old)
    if topology is not None:
        socket = _socket(topology)
        if value % socket == 0:
            topology.set("sockets", str(value // socket))
        else:
            most = socket * int(topology.get("sockets") or 1)
            vcpu.set("current", str(value))
    vcpu.text = str(most)
    cells = root.findall("cpu/numa/cell")
    if len(cells) == 1:
        cells[0].set("cpus", f"0-{most - 1}" if most > 1 else "0")


def _socket(topology: Element) -> int:
    """Return how many CPUs one socket of a topology has."""
    each = 1
    for part in ("dies", "clusters", "cores", "threads"):
        each *= int(topology.get(part) or 1)
    return each


def parse_memory(value: Any, where: str) -> int:
    """Return a machine's memory in bytes."""
    return whole(value, where, 16 * _MIB, "such as 512MiB or 2GiB")


def whole(value: Any, where: str, least: int, hint: str) -> int:
    """Return a size in bytes, rounded up to whole KiB as libvirt and qemu-img do."""
    size = parse_size(value, where)
    if size is None or size < least:
        # Often a number whose unit was forgotten.
        text = f"'{value}' is below the minimum of {show_size(least)}"
        raise InvalidOption(text, option=where, hint=hint)
    return size + (-size % 1024)


def read_memory(obj: Mapping[str, Any], context: Context) -> Optional[int]:
    """Return the memory without its devices' in bytes; the balloon's, if that was made smaller."""
    root = obj["config"]
    memory = _size(root.find("memory")) - _devices(root)
    balloon = _size(root.find("currentMemory"))
    # A running machine's changes all the time; a configured one holds from the next start on.
    lowered = 0 < balloon < memory == context.declared.get("memory") and root.get("id") is None
    return (balloon if lowered else memory) or None


def write_memory(result: Dict[str, Any], value: Any, context: Context) -> None:
    """Write the memory, with what the memory devices add to it."""
    root = result["config"]
    total = value + _devices(root)
    for tag in ("memory", "currentMemory"):
        _put(ensure(root, tag), total)
    limit = root.find("maxMemory")
    if limit is not None and _size(limit) < total:
        _put(limit, total)
    cells = root.findall("cpu/numa/cell")
    if len(cells) == 1:
        cells[0].set("unit", "KiB")
        cells[0].set("memory", str(value // 1024))


def _put(element: Element, size: int) -> None:
    element.set("unit", "KiB")
    element.text = str(size // 1024)


def _size(element: Optional[Element]) -> int:
    """Return a size in bytes; libvirt answers in KiB, whatever unit it was given."""
    if element is None or not (element.text or "").strip():
        return 0
    return int(element.text or 0) << _KIB.get((element.get("unit") or "KiB").lower(), 10)


def _devices(root: Element) -> int:
    """Return how much of a machine's memory is memory devices, in bytes."""
    return sum(_size(entry) for entry in root.findall("devices/memory/target/size"))


def check_by_hand(root: Element, changed: List[str], declared: Mapping[str, Any]) -> None:
    """Raise InvalidOption for a change that what was written by hand leaves no one way for."""
    cells = len(root.findall("cpu/numa/cell"))
    for option in ("vcpus", "memory"):
        if cells > 1 and option in changed:
            raise InvalidOption(
                f"the machine has {cells} NUMA cells, which set it as well",
                option=option,
                hint=_BY_HAND.format(option=option),
            )
    topology, count = root.find("cpu/topology"), declared.get("vcpus", 1)
    if topology is None or "vcpus" not in changed:
        return
    socket, sockets = _socket(topology), int(topology.get("sockets") or 1)
    if count % socket and count > socket * sockets:
        raise InvalidOption(
            f"{count} does not fit the CPU topology of the machine's document, {socket} per socket",
            option="vcpus",
            hint=f"declare a multiple of {socket}, or " + _BY_HAND.format(option="vcpus"),
        )
