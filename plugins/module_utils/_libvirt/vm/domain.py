# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The document of a new machine: our defaults, never libvirt's, then the declared fields."""

from __future__ import annotations

import json
import os
import uuid
from typing import Any, Dict, List, Mapping, Sequence

from ..._desired.fields import Context
from ..._desired.record import encode_record
from ..client.domain_xml import Element, child, document, put_record
from ..disk.entry import DISKS_PER_CONTROLLER, write_disk
from ..disk.names import NO_DISKS, Disks
from .console import console_path
from .desired import Desired, seed_volume
from .disk_observed import volume_of
from .fields import FIELDS, write_interface
from .observed import Observed, machine_type

# PCIe ports that stay free, for disks and interfaces added while the machine runs. Once one port
# is given, libvirt adds none by itself: what the machine has from the start needs its own.
_SPARE_PORTS = 4


def new_domain(desired: Desired, observed: Observed) -> Element:
    """Return the document of a machine that does not exist yet, its record included."""
    ident = str(uuid.uuid4())
    kind = desired.kind(observed.kvm)
    root = document("domain", type_=kind)
    child(root, "name").text = desired.name
    child(root, "uuid").text = ident
    _platform(root, observed.arch)
    _devices(root, desired)
    result: Dict[str, Any] = {"config": root}
    context = Context(desired.declared, extra={"type": kind})
    for row in FIELDS:
        value = desired.declared.get(row.name, row.default(context) if row.default else None)
        if row.write is not None and value is not None:
            row.write(result, value, context)
    for name, entry in (desired.declared.get("disks") or {}).items():
        write_disk(root, name, entry, None, observed.holds_raw(entry["pool"]))
    for number, entry in enumerate((desired.declared.get("networks") or {}).values()):
        write_interface(root, str(number), entry, new_mac(ident, number))
    if desired.cloud_init is not None:
        add_seed_disk(root, desired)
    put_record(root, record_text(desired, instance=ident))
    return root


def new_mac(ident: str, number: int) -> str:
    """Return a MAC address in QEMU's range, made from the machine's UUID."""
    tail = uuid.uuid5(uuid.UUID(ident), str(number)).hex[:6]
    return "52:54:00:" + ":".join(tail[n : n + 2] for n in (0, 2, 4))


def record_text(desired: Desired, known: Disks = NO_DISKS, **kept: Any) -> str:
    """Return the ownership record: it lists the volumes before they are made.

    `kept` are the values of an earlier record that must not change: instance, generation, token,
    and volumes that are no longer declared. Those of `known` disks are where they are.
    """
    # `named`: its disks and interfaces have aliases.
    extra = {"generation": 1, "named": True, "token": os.urandom(8).hex(), **kept}
    recorded: List[Mapping[str, str]] = list(kept.get("volumes") or ())
    now = {entry["name"]: entry for entry in volumes_of(desired, known, recorded)}
    extra["volumes"] = [now.pop(entry["name"], entry) for entry in recorded] + list(now.values())
    if desired.cloud_init is not None:
        extra["seeded"] = True
    return encode_record(desired.address, FIELDS, _jsonable(desired.declared), extra)


def volumes_of(
    desired: Desired, known: Disks = NO_DISKS, recorded: Sequence[Mapping[str, Any]] = ()
) -> List[Mapping[str, str]]:
    """Return the volumes that a machine has by declaration: its disks', and the seed.

    A `known` disk keeps what is `recorded` of it, wherever that is now; a file that somebody else
    put under it is not the machine's. A seed stays where it is.
    """
    result: List[Mapping[str, str]] = []
    names = {item["name"] for item in recorded}
    for name, entry in (desired.declared.get("disks") or {}).items():
        if name not in known.own:
            pool, volume = volume_of(desired.name, name, entry, known)
            result.append({"pool": pool, "name": volume})
            continue
        files = [item for item in known.own[name].files if item.pool and item.name in names]
        result += [{"pool": item.pool, "name": item.name} for item in files]
    if desired.cloud_init is not None:
        pool, seed = seed_volume(desired, recorded)
        result.append({"pool": pool, "name": seed})
    return result


def _jsonable(declared: Mapping[str, Any]) -> Dict[str, Any]:
    result: Dict[str, Any] = json.loads(json.dumps(declared))
    return result


def _platform(root: Element, arch: str) -> None:
    boot = child(root, "os")
    child(boot, "type", arch=arch, machine=machine_type(arch)).text = "hvm"
    features = child(root, "features")
    child(features, "acpi")
    if arch == "x86_64":
        child(features, "apic")
    child(root, "clock", offset="utc")
    for event, action in (("poweroff", "destroy"), ("reboot", "restart"), ("crash", "destroy")):
        child(root, f"on_{event}").text = action


def _devices(root: Element, desired: Desired) -> None:
    devices = child(root, "devices")
    child(devices, "controller", type_="pci", index="0", model="pcie-root")
    for _port in range(_SPARE_PORTS + _occupied(desired)):
        child(devices, "controller", type_="pci", model="pcie-root-port")
    serial = child(devices, "serial", type_="pty")
    child(serial, "log", file=console_path(desired.name), append="off")
    channel = child(devices, "channel", type_="unix")
    child(channel, "target", type_="virtio", name="org.qemu.guest_agent.0")
    source = child(child(devices, "rng", model="virtio"), "backend", model="random")
    source.text = "/dev/urandom"
    child(devices, "memballoon", model="virtio")


def _occupied(desired: Desired) -> int:
    """Return how many PCIe ports a new machine takes."""
    buses = [entry["bus"] for entry in (desired.declared.get("disks") or {}).values()]
    controllers = -(-buses.count("scsi") // DISKS_PER_CONTROLLER)
    own = buses.count("virtio") + controllers + len(desired.declared.get("networks") or ())
    # The USB controller that libvirt adds, virtio-serial for the agent's channel, random numbers,
    # balloon; the seed.
    return own + 4 + (desired.cloud_init is not None)


def add_seed_disk(root: Element, desired: Desired) -> None:
    """Attach the seed as a virtio disk for life: without it the next boot is a new instance."""
    devices = root.find("devices")
    if devices is None:
        return
    disk = child(devices, "disk", type_="volume", device="disk")
    child(disk, "driver", name="qemu", type_="raw")
    pool, name = seed_volume(desired)
    child(disk, "source", pool=pool, volume=name)
    child(disk, "target", dev="vdz", bus="virtio")
    child(disk, "readonly")
