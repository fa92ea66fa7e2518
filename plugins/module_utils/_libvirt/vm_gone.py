# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks and seeds of a machine whose volume is not there. Nothing here mutates.

A run that was interrupted before it made the volume leaves the same as somebody who deleted it.
A no-op does not load this.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

from .vm_fields import disk_elements, seed_name, volume_name
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
    said = {
        f"disks.{name}: the volume {volume_name(wish.name, name)}": _content(wish, name)
        for name in gone(wish, found)
    }
    if _is_seed_gone(wish, found):
        # A guest takes a key once for each instance.
        said[f"cloud_init: the volume {seed_name(wish.name)}"] = (
            "has another SSH host key, which a guest that has booted before takes with reseed: true"
        )
    return [
        f"{wish.address}: {what} was not there: somebody deleted it, or an earlier run was "
        f"interrupted; the new one {content}"
        for what, content in said.items()
    ]


def _is_seed_gone(wish: Wish, found: Found) -> bool:
    """Tell whether the machine had a seed, with its host key, that no pool has."""
    made = {one["name"] for one in found.record.get("volumes", ())}
    is_wanted = wish.cloud_init is not None and "cloud_init" not in wish.ignore
    return is_wanted and seed_name(wish.name) in made - set(found.volumes)


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
