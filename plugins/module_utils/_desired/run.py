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
from typing import TYPE_CHECKING, Any, Callable, ContextManager, Dict, Mapping

from .errors import STRANGE, EngineMissing, FleetError
from .part import Part

if TYPE_CHECKING:
    from .planned import Pending
    from .resource import Resource
    from .work import Task


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
        part = (resource.group or Part)(resource, resource.desired(params))
        if task.check_mode:
            from .planned import read_planned

            return _check(part, connect, read_planned(pending))
        client = connect()
        with lock() if resource.exclusive else contextlib.nullcontext():
            return _apply(part, client)
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


def _check(part: Part, connect: Callable[[], Any], pending: Pending) -> Dict[str, Any]:
    resource = part.resource
    try:
        part.look(connect(), pending, False)
    except EngineMissing:
        if resource.server not in pending:
            raise
        part.look(None, pending, False)
    _plan(part)
    if pending:
        from .steps import with_doubt

        part.plan = replace(part.plan, steps=with_doubt(part.plan.steps, pending))
    result = part.result()
    result["_pending"] = {}
    if result["changed"]:
        from .planned import as_data
        from .steps import foretold

        changing = [step for step in part.plan.steps if step.verb not in resource.looks]
        result["_pending"] = as_data(foretold(changing))
    return {**result, **resource.outcome(part.desired, part.plan, part.observed, True)}


def _apply(part: Part, client: Any) -> Dict[str, Any]:
    part.look(client, {}, False)
    _plan(part)
    if part.plan.steps:
        # A no-op on a target must not pay for it.
        from .apply import apply_all

        return apply_all(part, client)
    return {**part.result(), **part.resource.outcome(part.desired, part.plan, part.observed, False)}


def _plan(part: Part) -> None:
    part.make_plan()
    if part.plan.steps or part.plan.refused:
        from .bounds import check_bounds

        check_bounds([part])
