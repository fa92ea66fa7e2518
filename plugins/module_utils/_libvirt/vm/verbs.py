# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mutations of a machine: one function a verb."""

from __future__ import annotations

import json
from typing import Any, Dict, Mapping

from ..._desired.errors import FleetError
from ..._desired.fields import Context
from ..._desired.steps import Change, Step
from ..._desired.work import Verb, Work
from ..client import storage
from ..client.domain_xml import Element, attribute, put_record, record, text_of
from ..client.hypervisor import LibvirtError
from ..disk.entry import write_disk
from ..disk.names import element_of, give_names, is_seed, volume_name
from .desired import Desired, seed_volume
from .disk_verbs import attach_disk, create_volume, delete_volume, resize_disk
from .domain import new_domain, new_mac, record_text
from .fields import FIELDS, write_interface
from .interface_names import name_interfaces, own_interfaces
from .previous_devices import drop_controllers, former_devices, recover_device
from .reservations import alone_with_macs, config_of, need, release_address, reserve_address
from .run_verbs import RUN_VERBS, is_gone, since
from .seed import dump, wanted_files


def _define_document(work: Work, root: Element) -> None:
    flags = work.client.lib.VIR_DOMAIN_DEFINE_VALIDATE
    with alone_with_macs(work):
        try:
            work.client.call("defineXMLFlags", text_of(root), flags)
        except LibvirtError as error:
            error.address = work.desired.address
            raise


def _define(work: Work, step: Step) -> None:
    """Write the document: a new one, or the changed places of the one that is there."""
    desired: Desired = work.desired
    if step.args.get("new"):
        since(work)
        _define_document(work, new_domain(desired, work.snapshot))
        work.shared["defined"] = since(work)
        return
    root = config_of(work.client, need(work))
    known = work.snapshot.disks
    # First, so that what goes by its place is found while others come and go.
    give_names(root, known)
    name_interfaces(root)
    former = former_devices(root, step.changes, known)
    for change in step.changes:
        if not recover_device(root, change, step.noted, known):
            _apply(root, change, work)
    if step.args.get("undo"):
        drop_controllers(root, step)
        put_record(root, dump(_undone(record(root), step, desired)))
        _define_document(work, root)
        return
    old = record(root)
    kept = {key: old[key] for key in ("instance", "token", "volumes") if key in old}
    generation = int(old.get("generation", 1)) + (1 if desired.reseed else 0)
    result = json.loads(record_text(desired, known, generation=generation, **kept))
    if not desired.whole:
        result["digests"] = {**old.get("digests", {}), **result["digests"]}
        # One that was renamed becomes this one's only when all of it is declared.
        result["address"] = old.get("address", result["address"])
    put_record(root, dump(result))
    _define_document(work, root)
    work.note(step, **former)


def _undone(record: Mapping[str, Any], step: Step, desired: Desired) -> Dict[str, Any]:
    """Return the record after a way back: other values were declared last, fewer volumes ours."""
    gone = [c for c in step.changes if c.after is None]
    names = {volume_name(desired.name, c.key) for c in gone if c.field == "disks"}
    seeds = [entry["name"] for entry in record.get("volumes", ()) if is_seed(entry["name"])]
    names |= {name for c in gone if c.field == "cloud_init" for name in seeds}
    volumes = [entry for entry in record.get("volumes", ()) if entry["name"] not in names]
    # Nothing has an empty digest: what is declared next counts as declared, not as drift.
    fields = [c.field for c in step.changes if c.field != "cloud_init"]
    digests = {**record.get("digests", {}), **dict.fromkeys(fields, "")}
    seeded = record.get("seeded") and not names.intersection(seeds)
    result = {**record, "volumes": volumes, "digests": digests, "seeded": seeded}
    return {key: value for key, value in result.items() if value}


def _apply(root: Element, change: Change, work: Work) -> None:
    """Write one change into a document."""
    desired: Desired = work.desired
    devices = root.find("devices")
    if change.field == "disks":
        element = element_of(root, change.key, work.snapshot.disks)
        if change.after is not None:
            raw = work.snapshot.holds_raw(change.after.get("pool", ""))
            write_disk(root, change.key, change.after, element, raw)
        elif devices is not None and element is not None:
            devices.remove(element)
    elif change.field == "networks":
        own = own_interfaces(root)
        if change.after is not None:
            mac = new_mac(root.findtext("uuid") or "", int(change.key))
            write_interface(root, change.key, change.after, mac)
        elif devices is not None and change.key in own:
            devices.remove(own[change.key])
    elif change.field == "cloud_init":
        _apply_seed(root, change, desired)
    else:
        row = next(row for row in FIELDS if row.name == change.field)
        if row.write is not None:
            row.write({"config": root}, change.after, Context(desired.declared))


def _apply_seed(root: Element, change: Change, desired: Desired) -> None:
    from .domain import add_seed_disk

    if change.after is not None:
        add_seed_disk(root, desired)
        return
    for devices in root.findall("devices"):
        for disk in devices.findall("disk"):
            if is_seed(attribute(disk, "source", "volume") or ""):
                devices.remove(disk)


def _write_seed(work: Work, step: Step) -> None:
    """Write the seed: the volume made anew, since a half-written one must not be booted."""
    from ..cloud_init.nocloud import write

    desired: Desired = work.desired
    root = config_of(work.client, need(work))
    files = wanted_files(desired, record(root), work.snapshot.seed)
    image = write(files)
    pool, name = seed_volume(desired, record(root).get("volumes", ()))
    there = storage.find_volume(work.client, pool, name)
    if there is not None and there.capacity < len(image):
        storage.resize(work.client, pool, name, len(image))
    if there is None:
        storage.create(work.client, pool, name, len(image), "raw", None)
    # A shorter one must not leave the end of the former behind it.
    image = image.ljust(there.capacity if there is not None else 0, b"\0")
    try:
        storage.upload(work.client, pool, name, [image], len(image))
    except FleetError:
        if there is None:
            storage.delete(work.client, pool, name)
        raise


def _autostart(work: Work, step: Step) -> None:
    wanted = 1 if work.desired.declared.get("autostart") else 0
    work.client.call("setAutostart", wanted, on=need(work))


def _mark_removal(work: Work, step: Step) -> None:
    """Write the intention to remove into the document, so that the next run can finish."""
    if is_gone(work):
        return
    root = config_of(work.client, need(work))
    removing = "disks" if work.desired.delete_disks else "machine"
    put_record(root, dump({**record(root), "removing": removing}))
    _define_document(work, root)


def _undefine(work: Work, step: Step) -> None:
    lib = work.client.lib
    if is_gone(work):
        return
    flags = (
        lib.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE
        | lib.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
        | lib.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA
        | _about_nvram(work)
    )
    domain, ended = need(work), (lib.VIR_ERR_OPERATION_INVALID, lib.VIR_ERR_NO_DOMAIN)
    # Without a document it would run on if it was started meanwhile.
    if work.client.call("isActive", on=domain, missing=ended):
        work.client.call("destroy", on=domain, missing=ended)
    unsupported = (lib.VIR_ERR_INVALID_ARG, lib.VIR_ERR_NO_DOMAIN)
    if work.client.call("undefineFlags", flags, on=domain, missing=unsupported) is None:
        work.client.call("undefine", on=domain, missing=(lib.VIR_ERR_NO_DOMAIN,))


def _about_nvram(work: Work) -> int:
    """Return the flag that deletes the machine's variables of UEFI, or keeps a copy's original."""
    from ..disk.users import users_of

    root = config_of(work.client, need(work))
    nvram, lib = root.findtext("os/nvram") or "", work.client.lib
    shared = nvram and users_of(work.client, nvram, but=root.findtext("uuid") or "")
    return int(lib.VIR_DOMAIN_UNDEFINE_KEEP_NVRAM if shared else lib.VIR_DOMAIN_UNDEFINE_NVRAM)


VERBS: Dict[str, Verb] = {
    **RUN_VERBS,
    "attach_disk": attach_disk,
    "autostart": _autostart,
    "create_volume": create_volume,
    "define": _define,
    "delete_volume": delete_volume,
    "mark_removal": _mark_removal,
    "release_address": release_address,
    "reserve_address": reserve_address,
    "resize_disk": resize_disk,
    "undefine": _undefine,
    "write_seed": _write_seed,
}
