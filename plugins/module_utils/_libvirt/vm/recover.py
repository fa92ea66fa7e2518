# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recovery from a failed task of a machine. Nothing here mutates; a no-op does not load it."""

from __future__ import annotations

from dataclasses import replace
from typing import Dict, Sequence

from ..._desired.plan import Plan
from ..._desired.steps import Cause, Chain, Step
from ..client.storage import Volume
from ..disk.names import is_seed
from .desired import Desired
from .fields import WRITTEN
from .observed import Observed
from .plan import removal


def plan_recovery(desired: Desired, observed: Observed, begun: Sequence[Step]) -> Plan:
    """Plan the recovery after a failure: the former settings, or no machine if it is new.

    A `wait` among the begun steps is one that was late: the machine may still come up.
    """
    chain = Chain(desired.address)
    verbs = {step.verb for step in begun}
    if desired.state == "absent" or ("wait" in verbs and "shutdown" not in verbs):
        # The next run goes on: nothing ran before that could come back, or it was to go.
        return Plan(())
    if any(not pool.active for pool in observed.pools.values()):
        # Nothing in it can be deleted, nothing starts from it: the record has to stay as it is, so
        # that the next run knows its volumes.
        return Plan(())
    cause = "it did not come up" if "start" in verbs else "it failed half-way"
    defined = [step for step in begun if step.verb == "define"]
    if any(step.args.get("new") for step in defined):
        _remove_new(chain, cause, desired, observed, begun)
        return Plan(tuple(chain.steps))
    if observed.config is None:
        return Plan(())
    # What its saved memory brought back is no run of this task's.
    restored = any(step.verb == "start" and "saved" in step.args for step in begun)
    if observed.runs and "start" in verbs and not restored:
        chain.add("shutdown", cause, on=desired.name, undo="yes")
    if defined:
        _recover_define(chain, cause, begun, observed)
    for step in begun:
        if step.verb == "release_address" and "nic" in step.args:
            args = {"on": step.args["address"], "to": step.args["to"], "nic": step.args["nic"]}
            chain.add("reserve_address", cause, args=args)
    if "shutdown" in verbs:
        chain.add("start", cause, on=desired.name)
    return Plan(tuple(chain.steps))


def _remove_new(
    chain: Chain, cause: Cause, desired: Desired, observed: Observed, begun: Sequence[Step]
) -> None:
    """Remove a new machine."""
    result = _created_volumes(begun, observed)
    if observed.config is None:
        # It was removed meanwhile, and its record with it.
        for name, volume in result.items():
            chain.add("delete_volume", cause, on=name, pool=volume.pool)
        return
    removal(chain, replace(desired, delete_disks=True), replace(observed, volumes=result), cause)


def _created_volumes(begun: Sequence[Step], observed: Observed) -> Dict[str, Volume]:
    """Return the volumes that are there because the failed run made them."""
    result = {step.args["on"] for step in begun if step.verb in ("create_volume", "write_seed")}
    return {name: volume for name, volume in observed.volumes.items() if name in result}


def _recover_define(chain: Chain, cause: Cause, begun: Sequence[Step], observed: Observed) -> None:
    """Put the former values back; a disk without a volume would keep the machine from starting."""
    fields = {*WRITTEN, "networks", "cloud_init"}
    if not any(step.verb == "attach_disk" for step in begun):
        fields.add("disks")
    defined = next(step for step in begun if step.verb == "define")
    changes = tuple(
        replace(change, before=change.after, after=change.before)
        for change in defined.changes
        if change.field in fields
    )
    chain.add("define", cause, "none", changes, on=defined.args["on"], undo="yes")
    chain.steps[-1] = replace(chain.steps[-1], noted=defined.noted)
    # A seed that was there before was written anew, and stays.
    seeded = any(change.field == "cloud_init" for change in changes)
    for name, volume in _created_volumes(begun, observed).items():
        if seeded if is_seed(name) else "disks" in fields:
            chain.add("delete_volume", cause, on=name, pool=volume.pool)
