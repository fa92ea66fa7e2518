# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The field table of a virtual machine.

The observed object is a dict: `config` (the inactive document's root), `running` alike or None,
`autostart`, `disks` (Disks), `reservations` {mac: address}, `seed` (the digest of the
seed that is there). Rows read `config`; what `running` says instead only waits for a restart.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
from typing import Any, Dict, List, Mapping

from ..._desired.errors import InvalidOption
from ..._desired.fields import Context, FieldSpec
from ..._desired.schema import check_keys
from ..._desired.sizes import show_size
from ..client.domain_xml import Element, attribute, child, ensure, mac_of
from ..client.options import plain_name, plain_text
from ..disk.entry import PREFIX, read_disk
from . import display, firmware, identity, platform
from .interface_names import name_interface, own_interfaces
from .size import (
    parse_count,
    parse_memory,
    read_count,
    read_memory,
    whole,
    write_count,
    write_memory,
)

Entry = Dict[str, Any]

DISK_KEYS = ("name", "size", "pool", "image", "bus")
NETWORK_KEYS = ("network", "mac", "address")
BUSES = ("virtio", "scsi", "sata", "usb")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
# Letters of device names; vdz is the seed's.
_TARGETS = 25
_MIB = 1 << 20
_LABEL = 63


def _parse_path(value: Any, where: str) -> str:
    path = plain_text(str(value), where)
    if not path.startswith("/") or "$" in path:
        raise InvalidOption(
            f"'{path}' is not an absolute path on the hypervisor",
            option=where,
            hint="~ and $ are not expanded there; write the whole path",
        )
    return posixpath.normpath(path)


def _parse_line(value: Any, where: str) -> str:
    return plain_text(str(value).strip(), where)


def _parse_disks(value: Any, where: str) -> Dict[str, Entry]:
    """Return disks by name: {size (bytes), pool, image, bus}; the first is `root` by default."""
    disks: Dict[str, Entry] = {}
    for number, entry in enumerate(value):
        here = f"{where}[{number}]"
        check_keys(entry, DISK_KEYS, here)
        name = str(entry.get("name") or ("root" if number == 0 else f"disk{number}"))
        if name in disks or not _NAME.fullmatch(name):
            raise InvalidOption(
                f"'{name}' is not a name for a disk, or is used twice", option=f"{here}.name"
            )
        disks[name] = _disk(entry, here)
    _check_targets(disks, where)
    return disks


def _check_targets(disks: Mapping[str, Entry], where: str) -> None:
    """Raise InvalidOption for more disks than there are names for: vda to vdy, sda to sdy."""
    for prefix in sorted(set(PREFIX.values())):
        buses = [bus for bus, other in PREFIX.items() if other == prefix]
        count = sum(entry["bus"] in buses for entry in disks.values())
        if count > _TARGETS:
            raise InvalidOption(
                f"{count} disks of {', '.join(buses)} are more than {_TARGETS}",
                option=where,
                hint="declare fewer, or some of them on another bus",
            )


def _disk(entry: Mapping[str, Any], where: str) -> Entry:
    result: Entry = {"pool": plain_name(entry.get("pool") or "default", f"{where}.pool")}
    if entry.get("size") is not None:
        result["size"] = whole(entry["size"], f"{where}.size", _MIB, "such as 10GiB")
    if entry.get("image"):
        result["image"] = plain_name(entry["image"], f"{where}.image")
    result["bus"] = str(entry.get("bus") or "virtio")
    if result["bus"] not in BUSES:
        raise InvalidOption(
            f"'{result['bus']}' is not a bus", option=f"{where}.bus", hint=", ".join(BUSES)
        )
    if not result.get("size") and "image" not in result:
        raise InvalidOption("needs a size or an image", option=where, hint="size: 10GiB")
    return result


def _read_disks(obj: Mapping[str, Any], context: Context) -> Dict[str, Entry]:
    declared = context.declared.get("disks") or {}
    return {name: read_disk(disk, declared.get(name)) for name, disk in obj["disks"].own.items()}


def _parse_networks(value: Any, where: str) -> Dict[str, Entry]:
    """Return interfaces by position ("0", "1"): {network, mac, address}."""
    interfaces: Dict[str, Entry] = {}
    for number, entry in enumerate(value):
        here = f"{where}[{number}]"
        entry = {"network": entry} if isinstance(entry, str) else entry
        check_keys(entry, NETWORK_KEYS, here)
        interfaces[str(number)] = _interface(entry, here)
    for key in ("mac", "address"):
        given: List[str] = [entry[key] for entry in interfaces.values() if key in entry]
        if len(set(given)) < len(given):
            raise InvalidOption(f"one {key} is used twice", option=where, hint="give each its own")
    return interfaces


def _interface(entry: Mapping[str, Any], where: str) -> Entry:
    import ipaddress

    result: Entry = {"network": plain_name(entry.get("network") or "default", f"{where}.network")}
    if entry.get("mac"):
        result["mac"] = str(entry["mac"]).lower().replace("-", ":")
        if not _MAC.fullmatch(result["mac"]) or int(result["mac"][1], 16) % 2:
            raise InvalidOption(
                f"'{entry['mac']}' is not a MAC address of a single machine",
                option=f"{where}.mac",
                hint="such as 52:54:00:12:34:56",
            )
    if entry.get("address"):
        try:
            result["address"] = str(ipaddress.IPv4Address(str(entry["address"])))
        except ValueError:
            raise InvalidOption(
                f"'{entry['address']}' is not an IPv4 address", option=f"{where}.address"
            ) from None
    return result


def _read_networks(obj: Mapping[str, Any], context: Context) -> Dict[str, Entry]:
    declared = context.declared.get("networks") or {}
    interfaces: Dict[str, Entry] = {}
    for number, element in own_interfaces(obj["config"]).items():
        mac = mac_of(element)
        entry = {
            "network": home(element),
            "mac": mac,
            "address": obj["reservations"].get(mac),
        }
        # A reservation of a machine of ours is one of ours; a MAC address may be libvirt's choice.
        ours = ("address",) if context.record else ()
        keys = {*declared.get(number, entry), *ours}
        interfaces[number] = {key: entry[key] for key in entry if key in keys and entry[key]}
    return interfaces


def write_interface(root: Element, number: str, entry: Entry, mac: str) -> None:
    """Add an interface to a domain, or change its network or MAC address."""
    element = own_interfaces(root).get(number)
    if element is None:
        element = child(ensure(root, "devices"), "interface", type_="network")
        child(element, "model", type_="virtio")
        name_interface(element, number)
    if home(element) != entry["network"]:
        _move(element, entry["network"])
    ensure(element, "mac").set("address", entry.get("mac") or mac_of(element) or mac)


def home(interface: Element) -> str:
    """Return the network that an interface is in, or in words where it was put by hand."""
    kind, source = interface.get("type") or "", interface.find("source")
    if kind == "network":
        return attribute(interface, "source", "network") or ""
    place = next(iter(source.attrib.values()), "") if source is not None else ""
    return f"{kind} {place}".strip()


def _move(interface: Element, network: str) -> None:
    """Put an interface into a network; what said where it was before belongs to that."""
    interface.set("type", "network")
    for tag in ("source", "virtualport", "target", "backend", "ip", "route"):
        for old in interface.findall(tag):
            interface.remove(old)
    child(interface, "source", network=network)


def host_name(machine: str, number: str) -> str:
    """Return the name of an interface's reservation, which a network has once; "" for none.

    Only the first has one: any name of a further one could be another machine's. dnsmasq drops a
    reservation whose name is longer than a label of DNS (RFC 1035, 2.3.4).
    """
    if number != "0":
        return ""
    if max(len(label) for label in machine.split(".")) <= _LABEL:
        return machine
    digest = hashlib.sha256(machine.encode()).hexdigest()[:8]
    return f"{machine.replace('.', '-')[: _LABEL - 9]}-{digest}"


def _show_disk(entry: Entry) -> str:
    size = show_size(entry["size"]) if entry.get("size") else ""
    words = [size, *(str(entry[key]) for key in ("image", "pool", "bus") if entry.get(key))]
    return " ".join(word for word in words if word)


def _show_interface(entry: Entry) -> str:
    return " ".join(str(entry[key]) for key in ("network", "mac", "address") if entry.get(key))


FIELDS = (
    FieldSpec(
        "vcpus",
        at="vcpu",
        option={"type": "int"},
        parse=parse_count,
        read=read_count,
        write=write_count,
        default=lambda context: 1,
        change="restart",
        unset="restart",
    ),
    FieldSpec(
        "memory",
        at="memory",
        option={"type": "str"},
        parse=parse_memory,
        read=read_memory,
        write=write_memory,
        show=show_size,
        change="restart",
        unset="restart",
    ),
    FieldSpec(
        "disks",
        at="devices/disk",
        option={"type": "list", "elements": "dict"},
        compare="map",
        parse=_parse_disks,
        show=_show_disk,
        read=_read_disks,
        change="restart",
        unset="restart",
        live="attach_disk",
    ),
    FieldSpec(
        "networks",
        at="devices/interface",
        option={"type": "list", "elements": "raw"},
        compare="map",
        parse=_parse_networks,
        show=_show_interface,
        read=_read_networks,
        change="restart",
        unset="restart",
    ),
    *identity.ROWS,
    *platform.ROWS,
    *firmware.ROWS,
    *display.ROWS,
    identity.text_row("kernel", "os/kernel", _parse_path, "restart"),
    identity.text_row("initrd", "os/initrd", _parse_path, "restart"),
    identity.text_row("cmdline", "os/cmdline", _parse_line, "restart"),
    FieldSpec(
        "cloud_init",
        option={"type": "dict"},
        secret=True,
        read=lambda obj, context: obj["seed"],
        change="none",
        unset="none",
    ),
    FieldSpec(
        "autostart",
        option={"type": "bool"},
        default=lambda context: False,
        read=lambda obj, context: bool(obj["autostart"]),
        change="live",
        unset="live",
        live="autostart",
    ),
)
# Options that are written into the machine's document by their row.
WRITTEN = frozenset(row.name for row in FIELDS if row.write)
