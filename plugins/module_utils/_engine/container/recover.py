# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recovery after a failure, by what this run itself has created and touched.

Names and records tell what an interrupted run left, but not whose it is: another controller's run,
which no lock keeps apart, may have a replacement under way, or have ended one. So what this run did
neither make nor take over is left alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Optional, Sequence

from ..._desired.plan import Plan
from ..._desired.steps import Chain, Step
from ..._desired.values import dig
from . import dependents, replacement
from .desired import Desired
from .fields.process import OWNER_LABEL
from .inspected import Inspect, record_of
from .observed import Observed
from .others import others_of


class _Ours:
    """Tells of a container what the begun steps of this run have had to do with it.

    Verbs note the id of what they made, or, if that was not answered, the record that they wrote.
    A step names by `id` what it acts on, and by `of` the replacement whose end it is part of.
    """

    def __init__(self, begun: Sequence[Step]) -> None:
        self._ids = {step.noted.get("id") for step in begun}
        self._records = {step.noted.get("record") for step in begun}
        self._waited = {step.args.get("id") for step in begun if step.verb == "wait"}
        self._ended = {step.args.get("of") for step in begun}
        self._touched = {step.args.get("id") for step in begun}
        self._stopped = {step.args.get("id") for step in begun if step.verb == "stop"}
        self._started = {
            step.args.get("id") for step in begun if step.verb == "start" and "of" not in step.args
        }

    def created(self, container: Inspect) -> bool:
        """Tell whether this run has created it."""
        label = (dig(container, "Config.Labels") or {}).get(OWNER_LABEL)
        return container["Id"] in self._ids or (label is not None and label in self._records)

    def judged(self, container: Inspect) -> bool:
        """Tell whether this run has seen it fail, whoever created it."""
        return self.created(container) or container["Id"] in self._waited

    def touched(self, container: Inspect) -> bool:
        """Tell whether this run has had anything to do with it."""
        ident = container["Id"]
        return self.judged(container) or ident in self._ended or ident in self._touched

    def stopped(self, container: Inspect) -> bool:
        """Tell whether this run has stopped it."""
        return container["Id"] in self._stopped

    def started(self, container: Inspect) -> bool:
        """Tell whether it was not running before this run."""
        return container["Id"] in self._started


def plan_recovery(desired: Desired, observed: Observed, begun: Sequence[Step]) -> Plan:
    """Plan the recovery after a failure: the old one, or nothing, as it was before."""
    chain = Chain(desired.address)
    ours = _Ours(begun)
    creation = next((step for step in begun if "replaces" in step.args), None)
    if creation is not None and dig(observed.apart, "Id") == creation.args["replaces"]:
        observed = replace(observed, old=observed.apart)  # this run knows, whatever the labels say
    if creation is not None or observed.fresh is not None or observed.old is not None:
        observed = _recover_replacement(chain, desired, observed, ours, creation)
    elif observed.current is not None:
        if not ours.created(observed.current) and any(step.verb == "connect" for step in begun):
            from .networks import recover_live

            recover_live(chain, desired, observed, begun)
        _recover_first(chain, desired, observed, observed.current, ours)
    if desired.moved_from:
        from .rename import recover_name

        recover_name(chain, desired, observed, begun)
    return Plan(tuple(chain.steps), others=others_of(desired.address, chain.steps))


def _recover_replacement(
    chain: Chain, desired: Desired, observed: Observed, ours: _Ours, creation: Optional[Step]
) -> Observed:
    """Recover from the replacement that this run began or took over; `creation` is its create step.

    One that it only took over, as any next run does, may have come up meanwhile, and stays then.
    """
    fresh = observed.fresh
    if fresh is not None and ours.touched(fresh):
        alone = observed.current is None and observed.old is None
        observed = replacement.recover(chain, desired, observed, failed=ours.judged(fresh)).observed
        if alone and ours.stopped(fresh):
            chain.add("start", replacement.FAILED, on=desired.name, id=str(fresh["Id"]))
        return observed
    left = replace(observed, fresh=None)
    current = observed.current
    if current is not None and _has_replaced(current, desired, observed) and ours.touched(current):
        return replacement.recover(chain, desired, left, failed=ours.judged(current)).observed
    if creation is not None:
        _recover_old(chain, desired, observed, ours, creation)
    elif current is None and fresh is None:
        return replacement.recover(chain, desired, observed).observed
    return observed


def _has_replaced(new: Inspect, desired: Desired, observed: Observed) -> bool:
    """Tell whether a container replaces the one that stands aside."""
    replaces = record_of(new, observed.base, desired.names).get("replaces") or {}
    return observed.old is not None and bool(replaces.get("id") == observed.old["Id"])


def _recover_old(
    chain: Chain, desired: Desired, observed: Observed, ours: _Ours, creation: Step
) -> None:
    """Recover the old one that this run has touched, and whose replacement was removed meanwhile.

    Not if another run has one under way: that has in its record what there is to restore.
    """
    kept = observed.current or observed.old
    if observed.fresh is not None or kept is None or kept["Id"] != creation.args["replaces"]:
        return
    if ours.touched(kept):
        replaces, new = replacement.replaced_by(creation), creation.noted.get("id", "")
        others = observed.dependents
        dependents.recover_names(chain, others, replacement.FAILED)
        replacement.recover_state(chain, desired, kept, replaces, replacement.FAILED, others, new)


def _recover_first(
    chain: Chain, desired: Desired, observed: Observed, current: Inspect, ours: _Ours
) -> None:
    """Undo a creation or a start that failed: remove what was not there, stop what did not run."""
    cause, ident = "it did not come up", str(current["Id"])
    result = ours.created(current)
    if result and replacement.may_run(current):
        replacement.end(chain, observed, current, cause, name=desired.name)
    elif ours.started(current) and replacement.may_run(current):
        chain.add("stop", cause, on=desired.name, id=ident)
    if result:
        chain.add("remove", cause, on=desired.name, id=ident, volumes=replacement.OWN)
