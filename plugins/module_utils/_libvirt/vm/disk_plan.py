# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a machine's disks need: volumes, a place in the running machine. Nothing here mutates."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Tuple

from ..client.domain_xml import Element
from ..disk.entry import DISKS_PER_CONTROLLER, SCSI_DRIVEN, free_letters, scsi_controllers, stays
from ..disk.names import alias_of, former_name, is_seed
from .desired import Desired
from .disk_observed import volume_of
from .observed import Observed


def declared_disks(desired: Desired) -> Mapping[str, Mapping[str, Any]]:
    """Return the declared disks by name, none of them if they are ignored."""
    disks: Mapping[str, Mapping[str, Any]] = desired.declared.get("disks") or {}
    return {} if "disks" in desired.ignore else disks


def missing_volumes(desired: Desired, observed: Observed) -> Dict[str, str]:
    """Return the volumes that declared disks lack, by the disk's name."""
    result = {}
    for name, entry in declared_disks(desired).items():
        disk = observed.disks.own.get(name)
        volume = volume_of(desired.name, name, entry, observed.disks)[1]
        if disk.is_gone if disk is not None else volume not in observed.volumes:
            result[name] = volume
    return result


def plugged(desired: Desired, observed: Observed) -> List[str]:
    """Return the disks to plug into the running machine: as many as it has ports for.

    SATA can do that on no guest; what finds no port waits for the next start.
    """
    live = observed.live if desired.state == "started" else observed.running
    if (
        live is None
        or desired.state == "stopped"
        or "live" not in desired.allow
        or not observed.record
    ):
        return []
    free, controllers = free_ports(live), len(scsi_controllers(live))
    # Disks of SCSI, SATA and USB share the letters, by which controllers fill up.
    letters = sum(
        item.get("dev", "").startswith("sd") for item in live.findall("devices/disk/target")
    )
    chosen = []
    for name, entry in declared_disks(desired).items():
        if name in observed.disks.plugged:
            continue
        letters += entry["bus"] != "virtio"
        more = -(-letters // DISKS_PER_CONTROLLER) - controllers if entry["bus"] == "scsi" else 0
        needed = 1 if entry["bus"] == "virtio" else max(more, 0)
        if entry["bus"] != "sata" and needed <= free:
            free -= needed
            controllers += max(more, 0)
            chosen.append(name)
    return chosen


def free_ports(running: Element) -> int:
    """Return how many PCIe ports of a running machine have nothing plugged in.

    A machine without any (such as i440fx) has slots of another kind, about 30 of them.
    """
    ports = [
        entry.get("index")
        for entry in running.findall("devices/controller[@type='pci']")
        if entry.get("model") == "pcie-root-port"
    ]
    if not ports:
        return _SLOTS
    taken = {
        str(int(str(entry.get("bus")), 16))
        for entry in running.findall("devices/*/address[@type='pci']")
        if entry.get("bus")
    }
    return sum(port not in taken for port in ports)


_SLOTS = 30


def delete_or_keep(desired: Desired, observed: Observed) -> Tuple[List[Tuple[str, str]], List[str]]:
    """Return the volumes (pool, name) that a removal deletes, and the names of what it leaves.

    The seed goes, unless another machine has it too. The disks' go if that was asked for: what was
    put on top of a volume of the machine's, such as a snapshot, goes with it. A file that others
    put under a disk stays, as does one that is in no pool.
    """
    recorded = [(entry["pool"], entry["name"]) for entry in observed.record.get("volumes", ())]
    there = [entry for entry in recorded if entry[1] in observed.volumes]
    ours = [entry for entry in there if not is_seed(entry[1])]
    seeds = [entry for entry in there if is_seed(entry[1])]
    above, theirs = _beside(observed, ours)
    if _deletes_disks(desired, observed):
        return [*above, *ours, *seeds], theirs
    kept = [name for _pool, name in [*ours, *above]] + theirs
    shared = [name for _pool, name in seeds if name in observed.users]
    return [entry for entry in seeds if entry[1] not in shared], kept + shared


def _deletes_disks(desired: Desired, observed: Observed) -> bool:
    # Disks that an interrupted removal began to delete are of no use.
    return desired.delete_disks or observed.record.get("removing") == "disks"


def removal_refusals(desired: Desired, observed: Observed) -> List[str]:
    """Return why volumes may not be deleted: others use them, or the machine is another's."""
    if not observed.record:
        return []
    deleted, _kept = delete_or_keep(desired, observed)
    output = [
        f"the volume {name} is used by {observed.users[name]}: remove that first, or leave out "
        "delete_disks"
        for _pool, name in deleted
        if name in observed.users
    ]
    former = former_name(desired.name, observed.record)
    if former != desired.name and any(not is_seed(name) for _pool, name in deleted):
        output.append(
            f"it was {former}, and its disks are still those of {former}: leave out delete_disks, "
            f"or declare it as {desired.name} in a task before"
        )
    return output


def moved_volumes(desired: Desired, observed: Observed) -> List[str]:
    """Return the disks whose volume was moved to another pool, in words, by declared name."""
    recorded = {entry["name"]: entry["pool"] for entry in observed.record.get("volumes", ())}
    return [
        f"disks.{name}: its volume {entry.name} is in the pool {entry.pool} now"
        for name in declared_disks(desired)
        if name in observed.disks.own
        for entry in observed.disks.own[name].files
        if entry.pool and entry.pool != recorded.get(entry.name, entry.pool)
    ]


def _beside(
    observed: Observed, ours: List[Tuple[str, str]]
) -> Tuple[List[Tuple[str, str]], List[str]]:
    """Return the volumes on top of ours, and the other files that own disks write to."""
    above: List[Tuple[str, str]] = []
    theirs: List[str] = []
    for disk in observed.disks.own.values():
        places = [(entry.pool, entry.name) for entry in disk.files]
        depth = next((n for n, entry in enumerate(places) if entry in ours), None)
        for number, entry in enumerate(disk.files[: 1 if depth is None else depth]):
            if entry.path and entry.pool and depth is not None:
                above.append(places[number])
            elif entry.path:
                theirs.append(entry.name if entry.pool else entry.path)
    return above, theirs


def unlike(desired: Desired, observed: Observed) -> List[str]:
    """Say which disks stand on another image than the declared one, which they keep."""
    output = []
    for name, entry in declared_disks(desired).items():
        disk, image = observed.disks.own.get(name), entry.get("image")
        if disk is None or disk.is_gone or not image or not disk.files:
            continue
        if image not in [item.name for item in disk.files] and stays(disk, image):
            base = disk.base or "no image any more"
            output.append(
                f"disks.{name} stays on {base}: {image} is for disks that are made from now on"
            )
    return output


def undriven(desired: Desired, observed: Observed) -> List[str]:
    """Say which new SCSI disks go on a controller that cloud kernels have no driver for.

    It was there before, and stays: another model would give the disks on it other names.
    """
    if observed.config is None:
        return []
    models = {item.get("index"): item.get("model") for item in scsi_controllers(observed.config)}
    letters = free_letters(observed.config, "scsi")
    output = []
    for name, entry in declared_disks(desired).items():
        disk = observed.disks.own.get(name)
        if entry["bus"] == "virtio" or (disk is not None and disk.bus == entry["bus"]):
            continue
        # Each takes a letter of those that SCSI, SATA and USB share.
        index = str((ord(next(letters)) - ord("a")) // DISKS_PER_CONTROLLER)
        if entry["bus"] == "scsi" and models.get(index, SCSI_DRIVEN[0]) not in SCSI_DRIVEN:
            output.append(
                f"disks.{name} goes on the SCSI controller {index}, which is there already and of "
                f"model {models[index]}; kernels of cloud images have no driver for that: if the "
                f"guest does not see the disk, give the controller the model {SCSI_DRIVEN[0]} "
                f"(virsh edit {desired.name}), or the disk bus: virtio"
            )
    return output


def unclear(desired: Desired, observed: Observed) -> List[str]:
    """Return why a declared disk that the machine has not cannot be attached.

    Its volume is used elsewhere now, or has a file on top of it; or it cannot be told whether
    a disk that is there is this one: one made anew would not hold what that holds.
    """
    if observed.config is None or not observed.record:
        return []
    taken = [
        f"disks.{name}: its volume {volume} would be attached again, and is used by "
        f"{observed.users[volume]}: remove that first, or take the disk out of the task"
        for name, volume, _alias in _unfound(desired, observed)
        if volume in observed.users
    ]
    if observed.record.get("named"):
        return taken
    recorded = [entry["name"] for entry in observed.record.get("volumes", ())]
    others = [f"{disk.target} ({disk.source})" for disk in observed.disks.others.values()]
    return taken + [
        f"disks.{name}: it is unclear whether it is {' or '.join(others)}, and its volume "
        f"{volume} is attached nowhere; if it is, give that disk <alias name='{alias}'/> "
        "(virsh edit), else detach what was attached by hand"
        for name, volume, alias in _unfound(desired, observed)
        if others and volume in recorded
    ]


def _unfound(desired: Desired, observed: Observed) -> List[Tuple[str, str, str]]:
    return [
        (name, volume_of(desired.name, name, entry, observed.disks)[1], alias_of(name))
        for name, entry in declared_disks(desired).items()
        if name not in observed.disks.own
    ]


def growth_refusals(desired: Desired, observed: Observed, growing: List[str]) -> List[str]:
    """Return why disks cannot grow: nothing must fail after other steps were made."""
    lost = []
    will_run = observed.runs or (observed.live is not None and desired.state == "started")
    for name in growing:
        disk = observed.disks.own.get(name)
        top = None if disk is None else disk.top
        if disk is None or top is None:
            continue
        if not (will_run and name in observed.disks.plugged) and not top.pool:
            lost.append(
                f"disks.{name}.size: its file {top.path} is in no pool, so that it can grow only "
                "while the machine runs; start it first"
            )
        if observed.snapshots and top.is_old:
            lost.append(
                f"disks.{name}.size: its file {top.name} is qcow2 of version 2, which cannot grow "
                f"beside the snapshot {observed.snapshots[0]}; delete that (virsh snapshot-delete),"
                " or convert the file: qemu-img amend -o compat=1.1"
            )
    return lost
