# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One resource of a run: what it should be, what was observed, its plan, and its result."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Dict, FrozenSet, Tuple

from .plan import Plan

if TYPE_CHECKING:
    from .planned import Pending
    from .resource import Resource
    from .steps import Step

# Verbs by which a resource, or one more version of it, comes into being.
_MAKING = frozenset(("create", "build", "pull", "load", "download", "import", "transfer"))


class Part:
    """A resource in a run, which may be about several; all is by its address.

    `observed` and `difference` are of the last look, `plan` was made of them, of which the steps
    with the ids `later` are not to be applied yet. One that consists of
    others is a Group (group.py).
    """

    observed: Any = None
    difference: Any = None
    plan = Plan()
    later: FrozenSet[str] = frozenset()

    def __init__(self, resource: Resource, desired: Any) -> None:
        self.resource = resource
        self.desired = desired
        self.address: str = desired.address

    def look(self, client: Any, pending: Pending, settled: bool) -> None:
        """Observe the resource and compare it; see Resource.look."""
        self.observed, self.difference = self.resource.look(client, self.desired, pending, settled)

    def make_plan(self, again: bool = False) -> None:
        """Plan, with what is declared for a resource that is not there.

        Whether the user allows it is another question: see bounds.py. `again`: steps of the plan
        before were made, and their ids are not used twice.
        """
        self.plan = self.resource.plan(self.desired, self.observed, self.difference)
        if self.plan.steps:
            from .steps import with_ids

            prefix = f"{self.address}#{'again-' * again}"
            self.plan = replace(self.plan, steps=with_ids(prefix, self.plan.steps))
        if self._makes(self.plan.steps):
            from .creation_text import with_declared

            self.plan = with_declared(self.resource, self.desired, self.observed, self.plan)

    def _makes(self, steps: Tuple[Step, ...]) -> bool:
        return any(step.verb in _MAKING or "new" in step.args for step in steps)

    def result(self) -> Dict[str, Any]:
        """Return what Ansible's result says of the plan's steps and of the resource."""
        plan, steps = self.plan, self.plan.steps
        verbs = {step.verb for step in steps}
        impacts = {step.impact for step in steps}
        result: Dict[str, Any] = {
            "changed": any(step.verb not in self.resource.looks for step in steps),
            "plan": plan.public(),
            "created": "replace" not in impacts and self._makes(steps),
            "updated": "live" in impacts,
            "replaced": "create" in verbs and "replace" in impacts,
            "restarted": "restart" in impacts,
            self.resource.name: self.resource.present(self.observed),
        }
        if plan.pending:
            result["restart_required"] = True
        if steps or plan.notes or plan.pending:
            result["diff"] = {"prepared": plan.text()}
        if steps:
            from .plan_text import summary

            result["msg"] = summary(plan.steps)
        return result
