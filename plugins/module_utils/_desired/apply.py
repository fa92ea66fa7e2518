# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Making a plan's steps happen, and going back when one fails. A no-op does not load this."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any, Dict, Iterator, List, Optional, Tuple

from .errors import FleetError
from .execute import Result, execute
from .plan import Plan
from .resource import Resource
from .steps import Step
from .work import Desired, Work

# How often to go back.
_TRIES = 3


def apply(
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
    steps = tuple(replace(step, noted=result.notes.get(step.id, {})) for step in steps)
    done = [step for step in steps if step.id in result.done]
    if result.error is None:
        return done
    unsure = getattr(result.error, "outcome_unknown", False) or result.failed in result.notes
    begun = [*done, *(step for step in steps if unsure and step.id == result.failed)]
    # Who was refused and has done nothing leaves all as it is: it may be another's, who was faster.
    nothing = getattr(result.error, "refused", False) and not begun
    stuck = None if nothing else _recover(resource, desired, client, begun)
    error = _failed(result, stuck, desired)
    if begun and not error.details.get("changed"):  # a command that failed has run all the same
        error.details["changed"] = bool(stuck) or _is_otherwise(resource, desired, client, plan)
    raise error


def _act(
    resource: Resource,
    desired: Desired,
    client: Any,
    snapshot: Any,
    plan: Plan,
    steps: Tuple[Step, ...],
) -> Result:
    clients: Dict[int, Any] = {0: client}
    shared: Dict[str, Any] = {}

    def act(step: Step, worker: int) -> Optional[bool]:
        mine = clients.get(worker)
        if mine is None:
            mine = clients[worker] = client.worker()
        work = Work(mine, desired, snapshot, shared)
        with _shown(client, work, step):
            return resource.verbs[step.verb](work, step)

    try:
        result = execute(plan, steps, act)
        result.report.update(shared.get("report") or {})
        result.notes.update(shared.get("notes") or {})
        return result
    finally:
        extra = [worker for number, worker in clients.items() if number]
        for open_thing in [*extra, *shared.values()]:
            if hasattr(open_thing, "close"):
                open_thing.close()


@contextlib.contextmanager
def _shown(client: Any, work: Work, step: Step) -> Iterator[None]:
    """Have a step tell how it gets on, where there is somebody to tell: a controller."""
    show = getattr(client, "show", None)
    if show is None:
        yield
        return
    from .progress import Progress

    with Progress(show, step.address, step.words()) as progress:
        work.tell = progress.tell
        yield


def _recover(resource: Resource, desired: Desired, client: Any, begun: List[Step]) -> Optional[str]:
    """Undo a failed plan; return what could not be undone, in words.

    What the server refuses then, another run may just have done: it is looked at anew.
    """
    error: Optional[Exception] = None
    for _attempt in range(_TRIES):
        try:
            observed, _difference = resource.look(client, desired, {}, True)
            plan = resource.recover(desired, observed, begun)
            error = _act(resource, desired, client, observed, plan, plan.steps).error
        except FleetError as broken:
            error = broken
        if not getattr(error, "refused", False):
            break
    return None if error is None else str(error)


def _is_otherwise(resource: Resource, desired: Desired, client: Any, plan: Plan) -> bool:
    """Tell whether a failed plan has left something behind, or something out of place.

    Where all is as it was, the same plan would be made again. What cannot be seen may be otherwise.
    """

    def steps(of: Plan) -> List[Tuple[str, str, Tuple[str, ...]]]:
        return sorted((step.address, step.verb, step.causes) for step in of.steps)

    try:
        # It was planned before or after what brings things to light.
        again = (resource.look(client, desired, {}, settled) for settled in (False, True))
        return all(steps(resource.plan(desired, *entry)) != steps(plan) for entry in again)
    except FleetError:
        return True


def _failed(result: Result, stuck: Optional[str], desired: Desired) -> FleetError:
    """Return the error of a failed plan with the plan, what was done and what was not.

    All in words: Ansible prints whatever a failed task returns.
    """
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
        plan={"text": result.plan.text()},
        done=[by_id[step] for step in result.done],
        failed_step=by_id.get(result.failed or ""),
        not_begun=[by_id[step] for step in result.not_begun],
    )
    return error


def verify(
    resource: Resource,
    desired: Desired,
    observed: Any,
    difference: Any,
    done: List[Step],
    result: Dict[str, Any],
) -> None:
    """Raise FleetError if the server accepted a change and did not make it, or another undid it.

    What was made stays, so the error tells what `result` does, but for the resource itself.
    """
    again = resource.plan(desired, observed, difference)
    ignored = [change.words() for step in again.steps for change in step.changes]
    if not ignored:
        return
    known = {entry.get("id") for step in done for entry in (step.args, step.noted)}
    ident = resource.identity(observed)
    output = "the server answered with success but did not apply"
    hint: Optional[str] = None
    if ident is not None:
        hint = "unless another run, or somebody else, changed it meanwhile"
        if ident not in known:
            output, hint = "another run, or somebody else, has put another one in its place:", None
    details = {key: value for key, value in result.items() if key != resource.name}
    details.update(plan={"text": result["plan"]["text"]}, done=[step.words() for step in done])
    text = f"{output} {'; '.join(ignored)}"
    raise FleetError(text, address=desired.address, hint=hint, details=details)
