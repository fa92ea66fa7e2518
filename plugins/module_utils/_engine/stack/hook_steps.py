# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hooks in a plan: a step after each start and before each stop of a container that has some."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, Iterable, List, Tuple

from ..._desired.plan import Plan
from ..._desired.steps import Step
from ..._desired.work import Actor, Verbs
from ..container.inspected import Inspect, runs
from ..container.observed import Observed
from ..container.replacement import FAILED, INTERRUPTED
from .hook_verbs import VERBS, hooks_in
from .hooks import Hook

_STARTS = ("start", "restart")
_STOPS = ("stop", "restart")
# A container that did not come up, or that an interrupted run has left, stops without ado.
_GIVEN_UP = (FAILED, INTERRUPTED)


def with_hooks(plan: Plan, desired: Any, observed: Observed) -> Plan:
    """Return the plan of a service's container with the hooks of it and of its dependents."""
    known = _Known(desired, observed)
    rest = _rest(plan.steps, desired, observed)
    steps: List[Step] = []
    moved: Dict[str, str] = {}
    for step in plan.steps:
        step = replace(step, needs=tuple(moved.get(need, need) for need in step.needs))
        before = _before(step, known)
        if step.id == rest:
            before = known.step("post_start", replace(step, args=_current(desired, observed)))
        if before:
            steps += before
            step = replace(step, needs=(steps[-1].id,))
        after = known.step("post_start", step) if step.verb in _STARTS else []
        steps += [step, *(replace(hook, needs=(step.id,)) for hook in after)]
        if after:
            moved[step.id] = steps[-1].id
    return _with(plan, steps, known)


def with_hooks_of_return(plan: Plan, desired: Any, observed: Observed) -> Plan:
    """Return a way back, at whose end the hooks run of what it has started again."""
    known = _Known(desired, observed)
    steps = list(plan.steps)
    for step in plan.steps:
        for hook in known.step("post_start", step) if step.verb in _STARTS else ():
            steps.append(replace(hook, needs=(steps[-1].id,)))
    return _with(plan, steps, known)


def _before(step: Step, known: _Known) -> List[Step]:
    stops = step.verb in _STOPS and step.causes[0] not in _GIVEN_UP
    return known.step("pre_stop", step) if stops else []


def _rest(steps: Iterable[Step], desired: Any, observed: Observed) -> str:
    """Return the first of the steps that end an interrupted replacement, "" if none do.

    It is unknown whether the hooks of the new container had run to their end by then.
    """
    ends = [step for step in steps if step.causes == (INTERRUPTED,)]
    old = str((observed.old or {}).get("Id"))
    if observed.current is None or not runs(observed.current):
        return ""
    if not any(step.verb == "remove" and step.args.get("id") == old for step in ends):
        return ""
    return ends[0].id if ends[0].verb in ("wait", "remove") else ""


def _current(desired: Any, observed: Observed) -> Dict[str, str]:
    return {"on": desired.name, "id": str((observed.current or {})["Id"])}


def _with(plan: Plan, steps: List[Step], known: _Known) -> Plan:
    others = {address: _Hooked(actor) for address, actor in plan.others.items()}
    notes = (*plan.notes, *known.notes)
    return replace(plan, steps=tuple(steps), notes=notes, others=others)


class _Hooked:
    """What has verbs of its own, and those of hooks."""

    def __init__(self, actor: Actor) -> None:
        self._actor = actor

    @property
    def verbs(self) -> Verbs:
        """The mutations by verb."""
        return {**self._actor.verbs, **VERBS}


class _Known:
    """The containers that a plan is about, and the hooks that they have.

    `notes` tell of hooks that cannot run.
    """

    def __init__(self, desired: Any, observed: Observed) -> None:
        self._desired, self._observed = desired, observed
        self.notes: Dict[str, None] = {}
        dependents = (*observed.dependents, *observed.next_dependents)
        seen = [observed.current, observed.fresh, observed.old]
        seen += [side for entry in dependents for side in (entry.old, entry.new)]
        self._by_id: Dict[str, Inspect] = {str(entry["Id"]): entry for entry in seen if entry}
        self._by_address: Dict[str, Inspect] = {entry.address: entry.old for entry in dependents}

    def step(self, word: str, step: Step) -> List[Step]:
        """Return the step that runs the hooks of a container before or after one about it, with
        the needs of that; none if it has none."""
        if not any(not hook.missing for hook in self._hooks(word, step)):
            return []
        args = {key: text for key, text in step.args.items() if key in ("on", "id")}
        return [
            replace(
                step,
                id=f"{step.id}-{word}",
                verb=word,
                changes=(),
                args=args,
                effect="change",
                keeps=(),
                same_as="",
            )
        ]

    def _hooks(self, word: str, step: Step) -> Tuple[Hook, ...]:
        name = step.address.partition("/")[2]
        container = self._by_id.get(step.args.get("id", "")) or self._by_address.get(step.address)
        if container is None:
            return tuple(self._desired.own_hooks.get(word, ()))
        hooks = hooks_in(container, name, self._desired, self._observed, word)
        for number, hook in enumerate(hooks):
            if hook.missing:
                text = f"{name}: {word}[{number}] is not run, since nothing declares what it needs"
                self.notes[f"{text} any more: {', '.join(hook.missing)}"] = None
        return hooks
