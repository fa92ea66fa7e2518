# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks of a machine whose volume is not there. Nothing here mutates; a no-op does not load it.

A run that was interrupted before it made the volume leaves the same as somebody who deleted it.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

from .vm_fields import disk_elements, volume_name
from .vm_found import Found
from .vm_wish import Wish


def gone(wish: Wish, found: Found) -> Dict[str, Mapping[str, Any]]:
    """Return the declared disks that the machine's document has, and no pool."""
    if found.config is None or not found.record or "disks" in wish.ignore:
        return {}
    if found.record.get("removing") == "disks":
        return {}
    known = disk_elements(found.config)
    return {
        name: entry
        for name, entry in (wish.declared.get("disks") or {}).items()
        if name in known and volume_name(wish.name, name) not in found.volumes
    }


def why_made(wish: Wish, name: str) -> str:
    """Say why a disk's volume is made although the machine had one."""
    volume = volume_name(wish.name, name)
    return f"disks.{name}: its volume {volume} is not there, and a new one {_content(wish, name)}"


def losses(wish: Wish, found: Found) -> List[str]:
    """Return what must not go unnoticed: the new volumes do not hold what the old ones held."""
    return [
        f"{wish.address}: disks.{name}: the volume {volume_name(wish.name, name)} was not there: "
        "somebody deleted it, or an earlier run was interrupted before it was made; the new one "
        f"{_content(wish, name)}"
        for name in gone(wish, found)
    ]


def held_alone(wish: Wish, found: Found) -> List[str]:
    """Return the disks whose data the running machine alone still has: a restart would lose it."""
    held = disk_elements(found.running) if found.running is not None else {}
    return [
        f"disks.{name}: its volume {volume_name(wish.name, name)} is gone, and only the running "
        "machine still has what it holds; save that first: a task of name and state: stopped alone "
        "ends the machine, and the next one makes a new disk"
        for name in gone(wish, found)
        if name in held
    ]


def _content(wish: Wish, name: str) -> str:
    image = wish.declared["disks"][name].get("image")
    return f"is as its image {image}" if image else "is empty"
