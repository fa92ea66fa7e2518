# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A resource that consists of others, such as a stack: one plan, one execution, one result.

Its parts stand in the order of their stages. Each is planned knowing what those before it do, as a
task of a check knows of the tasks before it. What is applied is a stage at a time: where an earlier
one has done something, what follows is observed and planned again.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Mapping, Sequence, Tuple

from .apply import apply
from .bounds import check_bounds
from .errors import FleetError
from .join import joined
from .part import Part
from .plan import Plan
from .plan_text import summary
from .steps import Step, foretold, with_doubt

if TYPE_CHECKING:
    from .planned import Pending
    from .resource import Resource

Stages = Sequence[Sequence[Part]]
Needs = Mapping[str, Sequence[Tuple[str, Tuple[str, ...]]]]


class Group(Part):
    """The parts of a resource that consists of others.

    Its resource has `resolved(client, desired)`, which returns what is declared, as far as only the
    server can tell; `look_at(client, desired, pending)`, which observes what there is of it and
    returns that with the client by which its parts are to look; `view(client, desired)`, a client
    for one more look at the parts; `stages(desired, observed)`;
    `prepare(desired, part, before)`, which may alter what is declared for a part by the plans of
    those before it, done ones included; `needs(parts)`: by address, which others have to be done
    first (see `_link`); and `sequence(desired, parts)`: of a stage, lists of those with steps that
    are done together, or in batches (see rolling.py). The resource of a part may have `same`: verbs
    after which it is what it was for the other parts, such as a restart.
    """

    def __init__(self, resource: Resource, desired: Any) -> None:
        super().__init__(resource, desired)
        self.parts: List[Part] = []
        self.done: List[Part] = []
        self._stages: Stages = ()

    def look(self, client: Any, pending: Pending, settled: bool) -> None:
        """Observe and plan all parts, each with what those before it would do."""
        resource: Any = self.resource
        self.desired = resource.resolved(client, self.desired)
        self.observed, view = resource.look_at(client, self.desired, pending)
        self._stages = resource.stages(self.desired, self.observed)
        self.parts = [part for stage in self._stages for part in stage]
        known = dict(pending)
        for number, part in enumerate(self.parts):
            resource.prepare(self.desired, part, [*self.done, *self.parts[:number]])
            part.look(view, known, settled)
            part.make_plan()
            part.plan = replace(part.plan, notes=_own_notes(part, pending))
            if part.address in known and part.address not in pending:
                part.plan = _further(part.plan)
            if part.plan.steps:
                if known:
                    part.plan = replace(part.plan, steps=with_doubt(part.plan.steps, known))
                changing = _changing(part)
                if any(step.verb not in getattr(part.resource, "same", ()) for step in changing):
                    known.update(foretold(changing))

    def make_plan(self, again: bool = False) -> None:
        """Join the plans of all parts, with the needs that they have of each other."""
        resource: Any = self.resource
        _link(self.parts, resource.needs(self.desired, self.parts))
        own = resource.own_plan(self.desired, self.observed, self.parts)
        self.plan = joined([own, *(part.plan for part in self.parts)])

    def result(self) -> Dict[str, Any]:
        """Return what the results of all parts come to, and the resource itself."""
        return self._result([part.result() for part in self.parts])

    def _result(self, told: Sequence[Mapping[str, Any]]) -> Dict[str, Any]:
        """Return the result, given those of the parts that the plan is about."""
        result: Dict[str, Any] = {"plan": self.plan.public()}
        for key in ("changed", "created", "updated", "replaced", "restarted"):
            result[key] = any(entry[key] for entry in told)
        result[self.resource.name] = self.resource.present(self)
        if self.plan.steps or self.plan.notes:
            result["diff"] = {"prepared": self.plan.text()}
        if self.plan.steps:
            result["msg"] = summary(self.plan.steps)
        return result

    def apply(self, client: Any) -> Dict[str, Any]:
        """Apply stage after stage; return the result, or raise FleetError with what was done."""
        resource: Any = self.resource
        notes = self.plan.notes
        done = self.done
        told: List[Dict[str, Any]] = []
        for number in range(len(self._stages)):
            if done:
                self.look(client, {}, True)
                self.make_plan()
                check_bounds([self])
            stage = self._stages[number]
            for place, item in enumerate(resource.sequence(self.desired, stage)):
                with _after(done):
                    told += self._do(item, client, again=place > 0)
                done += item if isinstance(item, list) else item.parts
        told_since = [note for part in done for note in part.plan.notes]
        self.look(client, {}, True)
        notes = tuple(dict.fromkeys([*notes, *told_since]))
        self.plan = replace(joined([part.plan for part in done]), notes=notes)
        return self._result(told)

    def _do(self, item: Any, client: Any, again: bool) -> List[Dict[str, Any]]:
        """Apply the plans of parts, or of a Rolling; return their results."""
        if not isinstance(item, list):
            from .rolling import Roll

            return Roll(item, client, again).run()
        resource: Any = self.resource

        def view() -> Any:
            return resource.view(client, self.desired)

        if again:
            from .rolling import look_again

            item = look_again(item, view())
        return list(apply(item, client, view).values()) if item else []


def _link(parts: Sequence[Part], needs: Needs) -> None:
    """Have steps wait for those of other parts.

    `needs` are by address the addresses that have to be done before, each with the verbs of steps
    that need not wait for it.
    """
    last = {part.address: part.plan.steps[-1].id for part in parts if part.plan.steps}
    for part in parts:
        steps = list(part.plan.steps)
        for address, early in needs.get(part.address, ()):
            for at, step in enumerate(steps):
                if address in last and step.verb not in early:
                    steps[at] = replace(step, needs=(*step.needs, last[address]))
                    break
        part.plan = replace(part.plan, steps=tuple(steps))


def _further(plan: Plan) -> Plan:
    """Return the plan of what another part changes along with its own resource.

    What only may be needed after that is done by it already.
    """
    return replace(plan, steps=()) if all(step.maybe for step in plan.steps) else plan


def _own_notes(part: Part, pending: Pending) -> Tuple[str, ...]:
    """Return the notes of a part without what another part's steps say already."""
    earlier = {entry.text for entry in pending.values()}
    unknown = getattr(part.observed, "unknown", {}).items()
    repeated = {f"{what}: {cause}" for what, cause in unknown if cause not in earlier}
    return tuple(note for note in part.plan.notes if note not in repeated)


def _changing(part: Part) -> List[Step]:
    return [step for step in part.plan.steps if step.verb not in part.resource.looks]


@contextlib.contextmanager
def _after(done: Sequence[Part]) -> Iterator[None]:
    """Add to a failure in the block what was done before it."""
    try:
        yield
    except FleetError as error:
        words = [step.words() for part in done for step in part.plan.steps]
        if words:
            error.details.update(changed=True, done=[*words, *error.details.get("done", ())])
        raise
