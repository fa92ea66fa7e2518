# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one way from parameters to a result, for every resource and both front ends.

params → desired → connect → (apply: lock) → observe → compare → (survey) → plan → refused?
→ check: result | execute → observe, compare, verify → result.
This is the only file that looks at check mode.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Callable, ContextManager, Dict, List, Mapping, Tuple

from .errors import STRANGE, EngineMissing, FleetError
from .plan import Plan

if TYPE_CHECKING:
    from .planned import Pending
    from .resource import Resource
    from .steps import Step
    from .work import Task

# Verbs by which a resource, or one more version of it, comes into being.
_MAKING = frozenset(("create", "build", "pull", "load", "download", "import"))


def run(
    resource: Resource,
    params: Mapping[str, Any],
    connect: Callable[[], Any],
    task: Task,
    pending: Mapping[str, Any],
    lock: Callable[[], ContextManager[Any]],
) -> Dict[str, Any]:
    """Bring one resource to its declared state, or say what that would take.

    `connect` returns a client or raises EngineMissing; `lock`, called after it, excludes other
    writers while applying. Return Ansible's result: `changed`, `plan`, `created`, `updated`,
    `replaced`, `restarted`, the resource under its name; or `failed` and `msg`. In check mode
    `_pending` says by address what applying would create, change, remove or rename.
    """
    try:
        desired = resource.desired(params)
        if task.check_mode:
            from .planned import read_planned

            return _check(resource, desired, connect, read_planned(pending))
        client = connect()
        with lock() if resource.exclusive else contextlib.nullcontext():
            return _apply(resource, desired, client)
    except STRANGE as error:
        from .unexpected import as_fleet_error

        return failure(as_fleet_error(error))


def foreseen(task: Task, causes: Mapping[str, str]) -> Dict[str, Any]:
    """Return the result of a task that only tells later ones, in check mode, what is to come.

    `causes` maps addresses to what will happen to them; outside of check mode the real work is
    another task's, and nothing is handed on.
    """
    text = "; ".join(f"{address}: {cause}" for address, cause in causes.items())
    result: Dict[str, Any] = {"changed": False, "msg": text}
    return {**result, "_pending": dict(causes)} if task.check_mode else result


def coming(task: Task, read: Callable[[], Mapping[str, Any]]) -> Dict[str, Any]:
    """Return what earlier tasks of a check would do; a task that is run for real looks itself."""
    return dict(read()) if task.check_mode else {}


def failure(error: FleetError) -> Dict[str, Any]:
    """Return Ansible's result for an error of ours."""
    return {"failed": True, "changed": False, **error.details, "msg": str(error)}


def _check(
    resource: Resource, desired: Any, connect: Callable[[], Any], pending: Pending
) -> Dict[str, Any]:
    try:
        observed, difference = resource.look(connect(), desired, pending, False)
    except EngineMissing:
        if resource.server not in pending:
            raise
        observed, difference = resource.look(None, desired, pending, False)
    plan = _planned(resource, desired, observed, difference)
    if pending:
        from .steps import with_doubt

        plan = replace(plan, steps=with_doubt(plan.steps, pending))
    result = _result(resource, plan, observed, plan.steps)
    result["_pending"] = {}
    if result["changed"]:
        from .planned import as_data
        from .steps import foretold

        changing = [step for step in plan.steps if step.verb not in resource.looks]
        result["_pending"] = as_data(foretold(changing))
    return {**result, **resource.outcome(desired, plan, observed, True)}


def _apply(resource: Resource, desired: Any, client: Any) -> Dict[str, Any]:
    observed, difference = resource.look(client, desired, {}, False)
    plan = _planned(resource, desired, observed, difference)
    if not plan.steps:
        result = _result(resource, plan, observed, ())
        return {**result, **resource.outcome(desired, plan, observed, False)}
    # A no-op on a target must not pay for it.
    from .apply import apply, verify

    done: List[Step] = []
    report: Dict[str, Any] = {}
    before = observed
    if any(step.maybe for step in plan.steps):
        reveal = tuple(step for step in plan.steps if step.verb in resource.reveals)
        done += apply(resource, desired, client, observed, plan, reveal, report)
        observed, difference = resource.look(client, desired, {}, True)
        plan = _planned(resource, desired, observed, difference)
    try:
        done += apply(resource, desired, client, observed, plan, plan.steps, report)
    except FleetError as error:
        # What brought it to light, such as a pull, was done all the same.
        error.details.update({"changed": True} if done else {})
        raise
    if done:
        observed, difference = resource.look(client, desired, {}, True)
    notes = (*plan.notes, *report.pop("notes", ()))
    plan = replace(plan, steps=tuple(done), notes=notes)
    result = _result(resource, plan, observed, plan.steps)
    result.update(**resource.outcome(desired, plan, before, False), **report)
    if done:
        verify(resource, desired, observed, difference, done, result)
    return result


def _planned(resource: Resource, desired: Any, observed: Any, difference: Any) -> Plan:
    """Return the plan with what is declared for a resource that is not there.

    Raise Refused, with every reason, if it goes beyond what the user allows.
    """
    plan = resource.plan(desired, observed, difference)
    if any(step.verb in _MAKING or "new" in step.args for step in plan.steps):
        from .creation_text import with_declared

        plan = with_declared(resource, desired, observed, plan)
    if plan.steps or plan.refused:
        from .bounds import check_bounds

        check_bounds(desired, plan)
    return plan


def _result(
    resource: Resource, plan: Plan, observed: Any, steps: Tuple[Step, ...]
) -> Dict[str, Any]:
    verbs = {step.verb for step in steps}
    impacts = {step.impact for step in steps}
    result: Dict[str, Any] = {
        "changed": any(step.verb not in resource.looks for step in steps),
        "plan": plan.public(),
        "created": "replace" not in impacts
        and any(step.verb in _MAKING or "new" in step.args for step in steps),
        "updated": "live" in impacts,
        "replaced": "create" in verbs and "replace" in impacts,
        "restarted": "restart" in impacts,
        resource.name: resource.present(observed),
    }
    if plan.pending:
        result["restart_required"] = True
    if steps or plan.notes or plan.pending:
        result["diff"] = {"prepared": plan.text()}
    if steps:
        from .plan_text import summary

        result["msg"] = summary(plan.steps)
    return result
