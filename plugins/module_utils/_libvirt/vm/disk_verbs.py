# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mutations of a machine's disks: one function a verb."""

from __future__ import annotations

from typing import Any, Mapping

from ..._desired.errors import FleetError
from ..._desired.steps import Step
from ..._desired.work import Work
from ..client import storage
from ..client.domain_xml import Element, attribute, parse, text_of
from ..disk.entry import scsi_controllers
from ..disk.names import element_of
from .desired import Desired
from .disk_observed import volume_of
from .reservations import config_of, need


def create_volume(work: Work, step: Step) -> None:
    """Make the volume of a declared disk."""
    desired: Desired = work.desired
    for name, entry in desired.declared["disks"].items():
        pool, volume = volume_of(desired.name, name, entry, work.snapshot.disks)
        if volume == step.args["on"]:
            _create_disk(work, pool, volume, entry)


def _create_disk(work: Work, pool: str, name: str, entry: Mapping[str, Any]) -> None:
    backing = None
    if entry.get("image"):
        backing = storage.find_volume(work.client, entry["pool"], entry["image"])
        if backing is None:
            raise FleetError(
                f"the pool {entry['pool']} has no image {entry['image']}",
                address=work.desired.address,
                hint="bring it with vm_image",
            )
    size = entry.get("size") or (backing.capacity if backing else 0)
    kind = "raw" if work.snapshot.holds_raw(pool) else "qcow2"
    storage.create(work.client, pool, name, size, kind, backing)


def attach_disk(work: Work, step: Step) -> None:
    """Plug a disk that the document has already into the running machine."""
    domain, name = need(work), step.args["on"]
    element = element_of(config_of(work.client, domain), name, work.snapshot.disks)
    if element is None:
        raise FleetError(f"the disk {name} is gone", hint="somebody has detached it")
    if element.find("target[@bus='scsi']") is not None:
        _plug_controllers(work, domain, attribute(element, "address", "controller") or "0")
    _plug(work, domain, element)


def _plug_controllers(work: Work, domain: Any, last: str) -> None:
    """Plug the SCSI controllers up to one that run not yet: libvirt's choice cannot be plugged."""
    running = parse(work.client.call("XMLDesc", 0, on=domain))
    there = {entry.get("index") for entry in scsi_controllers(running)}
    for entry in scsi_controllers(config_of(work.client, domain)):
        if entry.get("index") not in there and int(entry.get("index", 0)) <= int(last):
            _plug(work, domain, entry)


def _plug(work: Work, domain: Any, element: Element) -> None:
    for address in element.findall("address"):
        element.remove(address)
    live = work.client.lib.VIR_DOMAIN_AFFECT_LIVE
    work.client.call("attachDeviceFlags", text_of(element), live, on=domain)


def resize_disk(work: Work, step: Step) -> None:
    """Make a disk larger: by the running machine if it has it, else its volume."""
    desired, name = work.desired, step.args["on"]
    entry, known = desired.declared["disks"][name], work.snapshot.disks
    domain = need(work)
    if work.client.call("isActive", on=domain) and name in known.plugged:
        flags = work.client.lib.VIR_DOMAIN_BLOCK_RESIZE_BYTES
        target = known.plugged[name]
        work.client.call("blockResize", target, entry["size"], flags, on=domain)
        return
    pool, volume = volume_of(desired.name, name, entry, known)
    storage.resize(work.client, pool, volume, entry["size"])


def delete_volume(work: Work, step: Step) -> None:
    """Delete a volume, unless another machine has come to use it since it was looked at."""
    from ..disk.users import users_of

    host, pool, name = work.client, step.args["pool"], step.args["on"]
    volume = storage.find_volume(host, pool, name)
    users = users_of(host, volume.path, but=work.snapshot.uuid) if volume is not None else ()
    if users:
        raise FleetError(
            f"the volume {name} is one of the machine {', '.join(users)} now",
            address=work.desired.address,
        )
    storage.delete(host, pool, name)
