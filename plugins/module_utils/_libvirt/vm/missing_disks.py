# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks and seeds of a machine whose volume is not there. Nothing here mutates.

A run that was interrupted before it made the volume leaves the same as its deletion.
A no-op does not load this.
"""

from __future__ import annotations

from typing import Dict, List

from ..disk.names import is_seed
from .desired import Desired, seed_volume
from .disk_plan import missing_volumes
from .observed import Observed


def gone(desired: Desired, observed: Observed) -> Dict[str, str]:
    """Return the volumes of declared disks that the machine's document has, and no pool."""
    if observed.config is None or not observed.record or observed.record.get("removing") == "disks":
        return {}
    missing = missing_volumes(desired, observed)
    return {name: volume for name, volume in missing.items() if name in observed.disks.own}


def cause_of_creation(desired: Desired, name: str, volume: str) -> str:
    """Say why a disk's volume is made although the machine had one."""
    return (
        f"disks.{name}: its volume {volume} is not there, and a new one {_content(desired, name)}"
    )


def losses(desired: Desired, observed: Observed) -> List[str]:
    """Return what must not go unnoticed: the new volumes do not hold what the old ones held."""
    output = {
        f"disks.{name}: the volume {volume}": _content(desired, name)
        for name, volume in gone(desired, observed).items()
    }
    if _is_seed_gone(desired, observed):
        # A guest takes a key once for each instance.
        seed = seed_volume(desired, observed.record.get("volumes", ()))[1]
        output[f"cloud_init: the volume {seed}"] = (
            "has another SSH host key, which a guest that has booted before takes with reseed: true"
        )
    return [
        f"{desired.address}: {what} was not there: it was deleted by hand, or an earlier run was "
        f"interrupted; the new one {content}"
        for what, content in output.items()
    ]


def _is_seed_gone(desired: Desired, observed: Observed) -> bool:
    """Tell whether the machine had a seed, with its host key, that no pool has."""
    result = {entry["name"] for entry in observed.record.get("volumes", ())}
    is_wanted = desired.cloud_init is not None and "cloud_init" not in desired.ignore
    return is_wanted and any(is_seed(name) for name in result - set(observed.volumes))


def keepable(desired: Desired, observed: Observed) -> List[str]:
    """Return the disks whose data the running machine alone still has: a restart would lose it.

    A saved memory knows a disk too: brought back over another one, its guest would destroy that.
    """
    if observed.saved is not None:
        return [
            f"disks.{name}: its volume {volume} is gone, and the machine's memory was saved with "
            "it; bring it back, or discard the saved memory (virsh managedsave-remove)"
            for name, volume in gone(desired, observed).items()
        ]
    return [
        f"disks.{name}: its volume {volume} is gone, and only the running "
        "machine still has what it holds; back it up first; then run a task with only name and "
        "state: stopped, and this one again to create a new disk"
        for name, volume in gone(desired, observed).items()
        if name in observed.disks.plugged
    ]


def covered(desired: Desired, observed: Observed) -> List[str]:
    """Return the disks whose file is gone and was on top of another: no new one holds the same."""
    return [
        f"disks.{name}: its file {volume} is not there, and a new one would not hold what was "
        f"written to it since it was put on top of {observed.disks.own[name].files[1].name}; bring "
        "it back, or write another file into the machine's document (virsh edit)"
        for name, volume in gone(desired, observed).items()
        if observed.disks.own[name].pinned
    ]


def _content(desired: Desired, name: str) -> str:
    image = desired.declared["disks"][name].get("image")
    return f"is as its image {image}" if image else "is empty"
