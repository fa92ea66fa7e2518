# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices of a machine's document as they were, for recovery from a failed change."""

from __future__ import annotations

from typing import Dict, Mapping, Optional, Sequence

from ..._desired.steps import Change, Step
from ..client.domain_xml import Element, ensure, parse, text_of
from ..disk.entry import scsi_controllers
from ..disk.names import Disks, element_of
from .interface_names import own_interfaces

_CONTROLLERS = "controllers"


def former_devices(root: Element, changes: Sequence[Change], known: Disks) -> Dict[str, str]:
    """Return the documents of the devices that changes are about, by place (`disks.root`).

    With them, the SCSI controllers that are there.
    """
    elements = {_place(change): _element(root, change, known) for change in changes}
    result = {place: text_of(entry) for place, entry in elements.items() if entry is not None}
    return {**result, _CONTROLLERS: _indexes(root)}


def recover_device(root: Element, change: Change, noted: Mapping[str, str], known: Disks) -> bool:
    """Write a device as it was noted; return False if nothing was.

    Its values would not do: others may have put another file under a disk, or given it more.
    """
    former = noted.get(_place(change))
    if former is None:
        return False
    devices, present = ensure(root, "devices"), _element(root, change, known)
    if present is not None:
        devices.remove(present)
    devices.append(parse(former))
    return True


def drop_controllers(root: Element, step: Step) -> None:
    """Take out the SCSI controllers that came with disks which go again."""
    if _CONTROLLERS not in step.noted or all(entry.field != "disks" for entry in step.changes):
        return
    devices = ensure(root, "devices")
    for entry in scsi_controllers(root):
        if str(entry.get("index")) not in step.noted[_CONTROLLERS].split():
            devices.remove(entry)


def _indexes(root: Element) -> str:
    return " ".join(str(entry.get("index")) for entry in scsi_controllers(root))


def _place(change: Change) -> str:
    return f"{change.field}.{change.key}"


def _element(root: Element, change: Change, known: Disks) -> Optional[Element]:
    if change.field == "disks":
        return element_of(root, change.key, known)
    return own_interfaces(root).get(change.key) if change.field == "networks" else None
