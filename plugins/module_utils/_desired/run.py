# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one way from parameters to a result, for every resource and both front ends.

params → desired → (apply: lock) → observe → plan → refused? → check: result | execute → result.
This is the only file that looks at check mode.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Callable, ContextManager, Dict, List, Mapping, Optional, Protocol, Tuple

from .errors import EngineMissing, FleetError, Refused
from .model import Plan, Result, Step

# Verbs by which a resource, or one more version of it, comes into being.
_MAKING = frozenset(("create", "build", "pull", "download", "import"))

# Addresses that earlier tasks of this run would create or change, each with its cause in words.
Pending = Mapping[str, str]


class Task(Protocol):
    """What both front ends (a module, an action plugin's task) say about the run."""

    check_mode: bool


class Desired(Protocol):
    """What every desired state carries beside its own fields."""

    address: str
    allow: Tuple[str, ...]
    protect: bool


class Work:
    """What a verb gets: the worker's client, the desired state, the snapshot, a shared notebook.

    In the notebook, `report` goes into the task's result; what can be closed is closed at the end.
    """

    def __init__(self, client: Any, desired: Any, snapshot: Any, shared: Dict[str, Any]) -> None:
        self.client = client
        self.desired = desired
        self.snapshot = snapshot
        self.shared = shared


Verb = Callable[[Work, Step], Optional[bool]]


class Resource(Protocol):
    """A kind of thing that the engine keeps as declared.

    `name` is the resource's key in results, `server` the address of what keeps it (`engine`,
    `libvirt`), which an earlier task of the run may bring. `reveals` are verbs whose outcome tells
    whether `maybe` steps are needed. `observe` only reads; `plan` and `recover` are pure.
    `recover` plans the way back after a failure, given the steps that were begun.
    """

    name: str
    server: str
    verbs: Mapping[str, Verb]
    reveals: Tuple[str, ...]

    def desired(self, params: Mapping[str, Any]) -> Any: ...

    def observe(self, client: Any, desired: Any, pending: Pending, settled: bool) -> Any: ...

    def plan(self, desired: Any, snapshot: Any) -> Plan: ...

    def recover(self, desired: Any, snapshot: Any, begun: List[Step]) -> Plan: ...

    def present(self, snapshot: Any) -> Any: ...


def run(
    resource: Resource,
    params: Mapping[str, Any],
    connect: Callable[[], Any],
    task: Task,
    pending: Pending,
    lock: Callable[[], ContextManager[Any]],
) -> Dict[str, Any]:
    """Bring one resource to its declared state, or say what that would take.

    `connect` returns a client or raises EngineMissing; `lock` excludes other writers while
    applying. Return Ansible's result: `changed`, `plan`, `created`, `updated`, `replaced`,
    `restarted`, the resource under its name; or `failed` and `msg`. In check mode `_pending` maps
    the addresses that applying would create or change to their causes.
    """
    try:
        desired = resource.desired(params)
        if task.check_mode:
            return _check(resource, desired, connect, pending)
        with lock():
            return _apply(resource, desired, connect())
    except FleetError as error:
        return failure(error)


def foreseen(task: Task, causes: Pending) -> Dict[str, Any]:
    """Return the result of a task that only tells later ones, in check mode, what is to come.

    `causes` maps addresses to what will happen to them; outside of check mode the real work is
    another task's, and nothing is handed on.
    """
    said = "; ".join(f"{address}: {cause}" for address, cause in causes.items())
    result: Dict[str, Any] = {"changed": False, "msg": said}
    return {**result, "_pending": dict(causes)} if task.check_mode else result


def failure(error: FleetError) -> Dict[str, Any]:
    """Return Ansible's result for an error of ours."""
    return {"failed": True, "changed": False, "msg": str(error), **error.details}


def _check(
    resource: Resource, desired: Any, connect: Callable[[], Any], pending: Pending
) -> Dict[str, Any]:
    try:
        snapshot = resource.observe(connect(), desired, pending, False)
    except EngineMissing:
        if resource.server not in pending:
            raise
        snapshot = resource.observe(None, desired, pending, False)
    plan = _bounded(desired, resource.plan(desired, snapshot))
    result = _result(resource, plan, snapshot, plan.steps)
    result["_pending"] = {step.address: step.cause for step in plan.steps}
    return result


def _apply(resource: Resource, desired: Any, client: Any) -> Dict[str, Any]:
    snapshot = resource.observe(client, desired, {}, False)
    plan = _bounded(desired, resource.plan(desired, snapshot))
    done: List[Step] = []
    report: Dict[str, Any] = {}
    if any(step.maybe for step in plan.steps):
        reveal = tuple(step for step in plan.steps if step.verb in resource.reveals)
        done += _execute(resource, desired, client, snapshot, plan, reveal, report)
        snapshot = resource.observe(client, desired, {}, True)
        plan = _bounded(desired, resource.plan(desired, snapshot))
    done += _execute(resource, desired, client, snapshot, plan, plan.steps, report)
    if done:
        snapshot = resource.observe(client, desired, {}, True)
        _verify(desired, resource.plan(desired, snapshot))
    result = _result(resource, replace(plan, steps=tuple(done)), snapshot, tuple(done))
    return {**report, **result}


def _bounded(desired: Desired, plan: Plan) -> Plan:
    """Raise Refused, with every reason, if a plan goes beyond what the user allows."""
    refused = list(plan.refused)
    for step in plan.steps:
        if desired.protect and step.impact in ("replace", "destroy"):
            refused.append(f"{step.cause}: protect forbids to replace or remove it")
        elif step.impact not in ("none", "destroy", *desired.allow):
            allowed = ", ".join(desired.allow) or "nothing"
            refused.append(f"{step.cause}: needs {step.impact}, allow has only {allowed}")
    if refused:
        reasons = list(dict.fromkeys(refused))
        stopped = replace(plan, refused=tuple(reasons))
        raise Refused(
            "refused: " + "; ".join(reasons),
            address=desired.address,
            details={"plan": _public(stopped), "diff": {"prepared": stopped.text()}},
        )
    return plan


def _execute(
    resource: Resource,
    desired: Desired,
    client: Any,
    snapshot: Any,
    plan: Plan,
    steps: Tuple[Step, ...],
    report: Dict[str, Any],
) -> List[Step]:
    """Run steps and return those that did something; after a failure, go back and raise it.

    `report` takes what verbs have to tell beside their outcome.
    """
    result = _act(resource, desired, client, snapshot, plan, steps)
    report.update(result.report)
    done = [step for step in steps if step.id in result.done]
    if result.error is None:
        return done
    unsure = getattr(result.error, "outcome_unknown", False)
    begun = [*done, *(step for step in steps if unsure and step.id == result.failed)]
    raise _failed(result, _go_back(resource, desired, client, begun), desired)


def _act(
    resource: Resource,
    desired: Desired,
    client: Any,
    snapshot: Any,
    plan: Plan,
    steps: Tuple[Step, ...],
) -> Result:
    # A no-op on a target must not pay for it.
    from .execute import execute

    clients: Dict[int, Any] = {0: client}
    shared: Dict[str, Any] = {}

    def act(step: Step, worker: int) -> Optional[bool]:
        mine = clients.get(worker)
        if mine is None:
            mine = clients[worker] = client.worker()
        return resource.verbs[step.verb](Work(mine, desired, snapshot, shared), step)

    try:
        result = execute(plan, steps, act)
        result.report.update(shared.get("report") or {})
        return result
    finally:
        extra = [worker for number, worker in clients.items() if number]
        for open_thing in [*extra, *shared.values()]:
            if hasattr(open_thing, "close"):
                open_thing.close()


def _go_back(resource: Resource, desired: Desired, client: Any, begun: List[Step]) -> Optional[str]:
    """Undo a failed plan; return what could not be undone, in words."""
    try:
        snapshot = resource.observe(client, desired, {}, True)
        plan = resource.recover(desired, snapshot, begun)
        error = _act(resource, desired, client, snapshot, plan, plan.steps).error
    except FleetError as broken:
        error = broken
    return None if error is None else str(error)


def _failed(result: Result, stuck: Optional[str], desired: Desired) -> FleetError:
    """Return the error of a failed plan with the plan, what was done and what was not."""
    error = result.error
    if not isinstance(error, FleetError):
        error = FleetError(f"{type(error).__name__}: {error}")
    if not error.option and not error.address:
        error.address = desired.address
    if stuck:
        hint = f"going back failed too ({stuck}); the next run goes on from here"
        error.hint = f"{error.hint}; {hint}" if error.hint else hint
    by_id = {step.id: step.words() for step in result.plan.steps}
    error.details.update(
        plan=_public(result.plan),
        done=[by_id[step] for step in result.done],
        failed_step=by_id.get(result.failed or ""),
        not_begun=[by_id[step] for step in result.not_begun],
    )
    return error


def _verify(desired: Desired, again: Plan) -> None:
    """Raise FleetError if the server accepted a change and did not make it."""
    ignored = [change.words() for step in again.steps for change in step.changes]
    if ignored:
        raise FleetError(
            "the server answered with success but did not apply " + "; ".join(ignored),
            address=desired.address,
        )


def _result(
    resource: Resource, plan: Plan, snapshot: Any, steps: Tuple[Step, ...]
) -> Dict[str, Any]:
    verbs = {step.verb for step in steps}
    impacts = {step.impact for step in steps}
    result: Dict[str, Any] = {
        "changed": bool(steps),
        "plan": _public(plan),
        "created": "replace" not in impacts
        and any(step.verb in _MAKING or "new" in step.args for step in steps),
        "updated": "live" in impacts,
        "replaced": "create" in verbs and "replace" in impacts,
        "restarted": "restart" in impacts,
        resource.name: resource.present(snapshot),
    }
    if plan.pending:
        result["restart_required"] = True
    if steps or plan.notes or plan.pending:
        result["diff"] = {"prepared": plan.text()}
    return result


def _public(plan: Plan) -> Dict[str, Any]:
    return {
        "steps": [step.public() for step in plan.steps],
        "notes": list(plan.notes),
        "pending": list(plan.pending),
        "refused": list(plan.refused),
        "fingerprint": plan.fingerprint,
        "text": plan.text(),
    }
