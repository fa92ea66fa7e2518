# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps from a machine that is there to the declared one. Nothing here mutates."""

from __future__ import annotations

from dataclasses import replace
from typing import List, Sequence, Tuple

from ..._desired.errors import InvalidOption
from ..._desired.planned import REMOVAL
from ..._desired.sizes import show_size
from ..._desired.steps import Cause, Chain, Change, Step
from ..._desired.values import show
from ..client.domain_xml import mac_of
from ..disk.names import NO_DISKS, former_name, is_seed
from .checks import check_references, data_losses, refusals
from .desired import Desired, seed_volume
from .disk_plan import (
    delete_or_keep,
    growth_refusals,
    missing_volumes,
    moved_volumes,
    plugged,
    removal_refusals,
    unclear,
    undriven,
    unlike,
)
from .domain import volumes_of
from .fields import WRITTEN
from .interface_names import own_interfaces
from .observed import Observed
from .platform_checks import check_platform
from .restart import awaiting_restart
from .size import check_by_hand
from .states import reason_not_started

INTERRUPTED = "an earlier removal was interrupted"
UNDEFINED = "not defined any more: it would end with its run"
SEED = "cloud_init changed: the guest reads it at its next boot, and runs only per-boot parts again"


def steps_of(
    desired: Desired, observed: Observed, changes: Sequence[Change]
) -> Tuple[List[Step], List[str]]:
    """Return the steps, and what only waits for a restart."""
    chain = Chain(desired.address)
    removing = observed.record.get("removing")
    comes = desired.address in observed.unknown and not observed.removed
    if desired.state == "absent":
        if observed.config is None and comes:
            _later(chain, desired)
        removal(chain, desired, observed, REMOVAL)
        return chain.steps, []
    if removing == "disks":
        # Some of its data may be gone already.
        removal(chain, replace(desired, delete_disks=True), observed, INTERRUPTED)
        observed = replace(observed, config=None, running=None, state="absent", disks=NO_DISKS)
        observed = replace(observed, volumes={}, seed={})
    if observed.config is None and not desired.whole and comes:
        # An earlier task of this run would make it: that one's plan says what of.
        return [], []
    if observed.config is None:
        _creation(chain, desired, observed)
        return chain.steps, []
    return chain.steps, _alteration(chain, desired, observed, changes)


def _later(chain: Chain, desired: Desired) -> None:
    """Add the removal of a machine that an earlier task of this check would make; which disks it
    will have is known after apply."""
    impact = "destroy" if desired.delete_disks else "replace"
    chain.add("mark_removal", REMOVAL, impact, maybe=True, on=desired.name)
    chain.add("shutdown", REMOVAL, impact, maybe=True, on=desired.name)
    chain.add("undefine", REMOVAL, impact, maybe=True, effect="remove", on=desired.name)


def refusals_of(
    desired: Desired, observed: Observed, changes: Sequence[Change], steps: Sequence[Step]
) -> List[str]:
    """Return why the steps may not be made; raise InvalidOption for what is not there."""
    check_references(desired, observed)
    if desired.state != "absent" and "libvirt" not in observed.unknown:
        check_platform(desired, observed, changes)
    lost: List[str] = []
    if observed.config is not None and observed.record and desired.state != "absent":
        lost = data_losses(changes, observed) + unclear(desired, observed)
        check_by_hand(observed.config, [change.field for change in changes], desired.declared)
        growing = [str(step.args["on"]) for step in steps if step.verb == "resize_disk"]
        lost += growth_refusals(desired, observed, growing)
        if any(step.verb == "create_volume" for step in steps):
            from .missing_disks import covered, keepable

            lost += keepable(desired, observed) + covered(desired, observed)
    if any(step.verb == "undefine" for step in steps):
        lost += removal_refusals(desired, observed)
    return [
        *(refusals(desired, observed, steps) if steps else ()),
        *lost,
        *_run_refusals(desired, observed, steps),
    ]


def _run_refusals(desired: Desired, observed: Observed, steps: Sequence[Step]) -> List[str]:
    """Return why the machine may not be started or stopped as it stands."""
    kind, words = observed.stand
    if kind == "busy" and any(step.verb == "shutdown" for step in steps):
        return [f"state: {observed.state} → {desired.state}: {words}; run again when that is over"]
    if desired.state != "started" or observed.config is None or observed.record.get("removing"):
        return []
    reason = reason_not_started(observed.state, observed.reason, observed.saved is not None)
    return [f"state: {observed.state} → started: {reason}"] if reason else []


def notes_of(desired: Desired, observed: Observed) -> Tuple[str, ...]:
    """Return what the user should know beside the steps."""
    # Said as theirs: a cause alone reads like a change of this task.
    output = observed.unknown.items()
    notes = [f"planned by an earlier task: {address}: {cause}" for address, cause in output]
    kind, words = observed.stand
    if desired.state == "started" and kind == "busy":
        notes.append(f"{desired.address} does not run: {words}; libvirt resumes it by itself")
    if observed.record and desired.state != "absent":
        notes += unlike(desired, observed) + undriven(desired, observed)
    return tuple(notes)


def _creation(chain: Chain, desired: Desired, observed: Observed) -> None:
    if "memory" not in desired.declared:
        raise InvalidOption("is required to create a machine", option="memory", hint="such as 1GiB")
    libvirt = observed.unknown.get("libvirt")
    cause = tuple(filter(None, ("not there", libvirt)))
    chain.add("define", cause, effect="create", on=desired.name, new="yes")
    for item in volumes_of(desired):
        verb = "write_seed" if is_seed(item["name"]) else "create_volume"
        chain.add(verb, cause, on=item["name"])
    for number, entry in enumerate((desired.declared.get("networks") or {}).values()):
        if entry.get("address"):
            chain.add(
                "reserve_address", cause, on=entry["address"], to=entry["network"], nic=str(number)
            )
    if desired.declared.get("autostart"):
        chain.add("autostart", cause, on=desired.name)
    if desired.state == "started":
        _start(chain, desired, cause)


def _start(
    chain: Chain, desired: Desired, cause: Cause, impact: str = "none", restored: bool = False
) -> None:
    chain.add("start", cause, impact, args={"saved": "yes"} if restored else {}, on=desired.name)
    if desired.wait != "none":
        chain.add("wait", cause, impact, on=desired.name, to=desired.wait)


def removal(chain: Chain, desired: Desired, observed: Observed, cause: Cause) -> None:
    """Take away what we made: the intention is written first, so that it can be finished."""
    if observed.config is None:
        return
    deleted, kept = delete_or_keep(desired, observed)
    impact = _cost(cause, deleted)
    # What is taken away again at once has nothing to lose.
    undo = {} if cause in (REMOVAL, INTERRUPTED) else {"undo": "all"}
    keeps = tuple(kept) if cause == REMOVAL else ()
    if keeps:
        cause = f"{REMOVAL}, disks stay: {', '.join(keeps)}"
    if observed.record and not observed.record.get("removing"):
        chain.add("mark_removal", cause, impact, on=desired.name)
    if observed.runs:
        chain.add("shutdown", cause, impact, args=undo, on=desired.name)
    for pool, name in deleted:
        chain.add("delete_volume", cause, impact, on=name, pool=pool)
    for network, mac in reserved(observed):
        chain.add("release_address", cause, impact, on=mac, to=network)
    chain.add("undefine", cause, impact, effect="remove", keeps=keeps, on=desired.name)


def _cost(cause: Cause, deleted: Sequence[Tuple[str, str]]) -> str:
    """Return what a removal costs: data goes with disks alone."""
    # What a failed run has just made holds none.
    if cause not in (REMOVAL, INTERRUPTED):
        return "none"
    gentle = "replace" if cause == REMOVAL else "none"
    return "destroy" if any(not is_seed(name) for _pool, name in deleted) else gentle


def reserved(observed: Observed) -> List[Tuple[str, str]]:
    """Return (network, MAC) of the machine's interfaces that have a reservation."""
    if observed.config is None:
        return []
    macs = [mac_of(entry) for entry in own_interfaces(observed.config).values()]
    return [(observed.holders[mac], mac) for mac in macs if mac in observed.holders]


def _alteration(
    chain: Chain, desired: Desired, observed: Observed, changes: Sequence[Change]
) -> List[str]:
    config = [change for change in changes if _is_config(change, observed)]
    for change in config:
        _release_address(chain, observed, change, change.words())
    words = [change.words() for change in config] or _record_words(desired, observed, changes)
    if observed.record and not observed.persistent:
        words.insert(0, UNDEFINED)
    if words:
        chain.add("define", tuple(words), "none", tuple(config), on=desired.name)
    _storage(chain, desired, observed, changes)
    attached = plugged(desired, observed)
    # A saved memory comes back as it was: what it can take is given to it then.
    restored = observed.saved is not None and desired.state == "started"
    if restored:
        _start(chain, desired, "state: saved → started", restored=True)
    for name in attached:
        chain.add("attach_disk", f"disks.{name}: not attached yet", "live", on=name)
    for change in changes:
        before = len(chain.steps)
        _lighter(chain, desired, observed, change)
        if not words and change.field in observed.record.get("digests", {}):
            _renew_record(chain, desired, change, chain.steps[before:])
    waiting = awaiting_restart(observed, config, attached)
    return [] if _run_state(chain, desired, observed, waiting, restored) else waiting


def _renew_record(chain: Chain, desired: Desired, change: Change, steps: Sequence[Step]) -> None:
    """Have the record name what is declared by now, though the document does not change: else the
    next edit of the declaration would count as drift."""
    if steps and change.origin != "drift":
        chain.add("define", steps[-1].causes, steps[-1].impact, on=desired.name)


def _run_state(
    chain: Chain, desired: Desired, observed: Observed, waiting: Sequence[str], restored: bool
) -> bool:
    """Add what brings the machine into its state; tell whether nothing waits after that."""
    kind, _words = observed.stand
    runs = observed.runs or restored
    if desired.state == "stopped" and observed.runs:
        # Asked for by name: no bound on what other changes may cost stands against it.
        chain.add("shutdown", f"state: {observed.state} → stopped", "live", on=desired.name)
        return True
    if desired.state == "started" and (kind == "leaving" or not runs):
        if kind:
            chain.add("shutdown", f"state: {observed.state} → started", on=desired.name)
        _start(chain, desired, f"state: {observed.state} → started")
        return kind == "leaving"
    goes_on = kind == "" or desired.state == "started"
    if waiting and runs and goes_on and kind != "busy" and "restart" in desired.allow:
        cause = (*(["it came back as it was saved"] if restored else ()), *waiting)
        chain.add("shutdown", cause, "restart", on=desired.name)
        _start(chain, desired, cause, "restart")
        return True
    if desired.state == "started" and kind in ("held", "asleep"):
        chain.add("resume", f"state: {observed.state} → started", on=desired.name)
        if desired.wait != "none":
            chain.add(
                "wait", f"state: {observed.state} → started", on=desired.name, to=desired.wait
            )
    elif observed.shortfall:
        # An earlier run was killed while it waited, or did not wait.
        chain.add("wait", observed.shortfall, on=desired.name, to=desired.wait)
    return False


def _record_words(desired: Desired, observed: Observed, changes: Sequence[Change]) -> List[str]:
    """Return why the record alone must be written anew: it names the options that we manage."""
    if not observed.record:
        return []
    if observed.record.get("removing"):
        return [INTERRUPTED]
    if desired.whole and observed.record.get("address") != desired.address:
        return [f"renamed from {former_name(desired.name, observed.record)}"]
    moved = moved_volumes(desired, observed)
    if moved:
        return moved
    if desired.reseed and desired.cloud_init is not None:
        return ["reseed: true"]
    managed = observed.record.get("digests", {})
    # cloud_init stands in no record: its digest could tell a secret.
    new = [name for name in desired.declared if name not in managed]
    output = {change.field: change.words() for change in changes}
    return [output.get(name, f"{name}: managed from now on") for name in new]


def _release_address(
    chain: Chain, observed: Observed, change: Change, cause: Cause, shown: Tuple[Change, ...] = ()
) -> None:
    """Give the reserved address of an interface back, if it goes or becomes another one."""
    if change.field != "networks" or change.before is None or observed.config is None:
        return
    mac = mac_of(own_interfaces(observed.config)[str(change.key)])
    if mac in observed.reservations:
        address = observed.reservations[mac]
        args = {"on": mac, "to": observed.holders[mac], "nic": str(change.key), "address": address}
        chain.add("release_address", cause, "live", shown, args=args)


def _is_config(change: Change, observed: Observed) -> bool:
    """Tell whether a change is written into the domain's document."""
    if change.field in WRITTEN:
        return True
    if change.field == "cloud_init":
        return not any(is_seed(entry["name"]) for entry in observed.record.get("volumes", ()))
    if change.field == "disks":
        return change.before is None or change.after is None or _differs(change, "bus")
    if change.field == "networks":
        gone = change.before is None or change.after is None
        return gone or _differs(change, "network") or _differs(change, "mac")
    return False


def _differs(change: Change, key: str) -> bool:
    before, after = change.before or {}, change.after or {}
    return bool(before.get(key) != after.get(key))


def _storage(chain: Chain, desired: Desired, observed: Observed, changes: Sequence[Change]) -> None:
    """Add what the machine's volumes need: those not there yet, a new seed, a larger disk."""
    added = {str(c.key) for c in changes if c.field == "disks" and c.before is None}
    for name, volume in missing_volumes(desired, observed).items():
        chain.add(
            "create_volume", _cause_of_creation(desired, name, volume, name in added), on=volume
        )
    seed = seed_volume(desired, observed.record.get("volumes", ()))[1]
    for change in changes:
        if change.field == "cloud_init":
            cause = SEED if observed.seed else "the seed is not there"
            chain.add("write_seed", cause, "none", on=seed)
    if (
        desired.reseed
        and desired.cloud_init is not None
        and not any(c.field == "cloud_init" for c in changes)
    ):
        cause = "reseed: true: the guest runs all of cloud_init again at its next boot"
        chain.add("write_seed", cause, "none", on=seed)


def _cause_of_creation(desired: Desired, disk: str, volume: str, is_new: bool) -> str:
    if is_new:
        return f"disks.{disk}: not there"
    from .missing_disks import cause_of_creation

    return cause_of_creation(desired, disk, volume)


def _lighter(chain: Chain, desired: Desired, observed: Observed, change: Change) -> None:
    """Add the step of a change that needs no restart: size, reservation, autostart."""
    if change.field == "autostart":
        chain.add("autostart", change.words(), "live", (change,), on=desired.name)
    if change.field == "disks" and change.before and change.after and _differs(change, "size"):
        chain.add("resize_disk", _words(change, "size"), "live", (change,), on=str(change.key))
    if change.field == "networks" and change.after:
        moved = _is_config(change, observed)
        entry = desired.declared["networks"][change.key]
        args = {"on": entry.get("address", ""), "to": entry["network"], "nic": str(change.key)}
        if moved and args["on"]:
            words = f"networks.{change.key}.address: none → {args['on']}"
            chain.add("reserve_address", words, "live", (change,), args=args)
        elif not moved and args["on"] and _differs(change, "address"):
            chain.add("reserve_address", _words(change, "address"), "live", (change,), args=args)
        elif not moved and _differs(change, "address"):
            _release_address(chain, observed, change, _words(change, "address"), (change,))


def _words(change: Change, key: str) -> str:
    before, after = (change.before or {}).get(key), (change.after or {}).get(key)
    shown = show_size if key == "size" else show
    words = " → ".join("none" if value is None else shown(value) for value in (before, after))
    return f"{change.field}.{change.key}.{key}: {words}"
