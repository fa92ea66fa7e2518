# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applying plans, and recovery when a step fails. A no-op does not load this.

Plans may be of several resources: their steps are executed together, in the order of their needs,
and each resource recovers, is verified and has its result by its own address.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple

from .bounds import check_bounds
from .errors import STRANGE, FleetError
from .execute import Result, execute
from .join import joined
from .part import Part
from .plan import Plan
from .steps import Step
from .unexpected import as_fleet_error
from .work import Work

# How often to try to recover.
_TRIES = 3

# By a resource's address: the steps of its plan that were made, and what their verbs told.
Steps = Dict[str, List[Step]]
Reports = Dict[str, Dict[str, Any]]


def apply_all(part: Part, client: Any) -> Dict[str, Any]:
    """Apply the plan of a part, or of all that it consists of; return its result, or raise
    FleetError with what was done."""
    if part.resource.group is not None:
        result: Dict[str, Any] = part.resource.group.apply(part, client)
        return result
    return apply([part], client)[part.address]


def apply(
    parts: Sequence[Part], client: Any, view: Optional[Callable[[], Any]] = None
) -> Dict[str, Dict[str, Any]]:
    """Apply the plans of all parts; return their results by address.

    `view` returns a client for one look at all of them in the end, in the place of one each.

    Steps that tell whether others are needed come first; their resources are then observed and
    planned again. After a failure, resources that are not done recover, and the failure is raised
    with what was done.
    """
    before = {part.address: part.observed for part in parts}
    done: Steps = {address: [] for address in before}
    reports: Reports = {address: {} for address in before}
    with _telling(done):
        unsure = [part for part in parts if any(step.maybe for step in part.plan.steps)]
        if unsure:
            _make(parts, client, _revealing(unsure), done, reports)
            for part in unsure:
                part.look(client, {}, True)
                part.make_plan(again=True)
            check_bounds(unsure)
        steps = [step for part in parts for step in part.plan.steps if step.id not in part.later]
        _make(parts, client, steps, done, reports)
        results = {}
        seen = view() if view is not None else client
        for part in parts:
            at = part.address
            results[at] = _finish(part, seen, before[at], done[at], reports[at])
        return results


def _revealing(parts: Sequence[Part]) -> List[Step]:
    """Return the steps that tell whether other steps of their plans are needed."""
    return [
        step for part in parts for step in part.plan.steps if step.verb in part.resource.reveals
    ]


@contextlib.contextmanager
def _telling(done: Steps) -> Iterator[None]:
    """Add to whatever fails in the block that these steps were done, and are a change."""
    try:
        yield
    except STRANGE as error:
        told = as_fleet_error(error)
        steps = tuple(step for some in done.values() for step in some)
        if steps:
            words = [step.words() for step in steps]
            told.details.update(changed=True, done=[*words, *told.details.get("done", ())])
            told.details.setdefault("plan", {"text": Plan(steps).text()})
        raise told from None


def _finish(
    part: Part, client: Any, before: Any, done: List[Step], report: Dict[str, Any]
) -> Dict[str, Any]:
    """Return the result of a part; raise FleetError if what was done did not come to it."""
    if done:
        part.look(client, {}, True)
    notes = (*part.plan.notes, *report.pop("notes", ()))
    part.plan = replace(part.plan, steps=tuple(done), notes=notes)
    outcome = part.resource.outcome(part.desired, part.plan, before, False)
    result = {**part.result(), **outcome, **report}
    if done:
        _verify(part, done, result)
    return result


def _make(
    parts: Sequence[Part], client: Any, steps: Sequence[Step], done: Steps, reports: Reports
) -> None:
    """Run steps of the parts' plans; after a failure, recover and raise it.

    `done` takes what did something, `reports` what verbs have to tell beside their outcome.
    """
    result, told = _act(parts, client, steps)
    steps = [replace(step, noted=result.notes.get(step.id, {})) for step in steps]
    if result.errors:
        raise _after_failure(parts, client, steps, result)
    for part in parts:
        done[part.address] += [step for step in _of(part, steps) if step.id in result.done]
        report, more = reports[part.address], told[part.address]
        report.update(more, notes=[*report.get("notes", ()), *more.get("notes", ())])


def _after_failure(
    parts: Sequence[Part], client: Any, steps: Sequence[Step], result: Result
) -> FleetError:
    """Recover the resources that are not done, the last one first; return the error of the run.

    Resources whose steps are all done stay.
    """
    ended = {*result.done, *result.idle}
    # A command that failed has run all the same, and says so.
    changed = bool(getattr(result.error, "details", {}).get("changed"))
    stuck: List[str] = []
    left_behind = changed
    failed = ""
    for part in reversed(parts):
        own = _of(part, steps)
        begun = [step for step in own if step.id in result.done or _is_unsure(step, result)]
        if ended.issuperset(step.id for step in own):
            changed = changed or bool(begun)
            continue
        if any(step.id == result.failed for step in own):
            failed = part.address
        elif not begun:
            continue
        # Refused at its first call, this run has changed nothing: what is there may be another's.
        if begun or not getattr(result.error, "refused", False):
            stuck += filter(None, [recover(part, client, _recovery(part, begun))])
        left_behind = left_behind or bool(begun and (stuck or _is_otherwise(part, client)))
    changed = changed or left_behind
    error = _failed(result, "; ".join(stuck), failed)
    error.failed_part, error.left_behind = failed, left_behind
    error.details.update({"changed": True} if changed else {})
    return error


def _recovery(part: Part, begun: List[Step]) -> Callable[[Any], Plan]:
    """Return what plans the recovery of a part whose steps were begun."""
    return lambda observed: part.resource.recover(part.desired, observed, begun)


def _of(part: Part, steps: Sequence[Step]) -> List[Step]:
    """Return those of some steps that are in the plan of a part."""
    own = {step.id for step in part.plan.steps}
    return [step for step in steps if step.id in own]


def _is_unsure(step: Step, result: Result) -> bool:
    """Tell whether a step may have done something although it failed.

    What nobody foresaw may come of reading the answer to what was done.
    """
    error = result.errors.get(step.id)
    if error is None:
        return False
    unknown = getattr(error, "outcome_unknown", isinstance(error, STRANGE))
    return bool(unknown or step.id in result.notes)


def _act(
    parts: Sequence[Part], client: Any, steps: Sequence[Step]
) -> Tuple[Result, Dict[str, Dict[str, Any]]]:
    """Run steps, each with its resource's verb; return how that ended, and by address what they
    have told."""
    clients: Dict[int, Any] = {0: client}
    shared: Dict[str, Dict[str, Any]] = {part.address: {} for part in parts}
    owners = {step.id: part for part in parts for step in part.plan.steps}

    def act(step: Step, worker: int) -> Optional[bool]:
        mine = clients.get(worker)
        if mine is None:
            mine = clients[worker] = client.worker()
        part = owners[step.id]
        work = Work(mine, part.desired, part.observed, shared[part.address])
        actor = part.plan.others.get(step.address, part.resource)
        with shown(client, step.address, step.words()) as work.tell:
            return actor.verbs[step.verb](work, step)

    try:
        plan = joined([part.plan for part in parts])
        waits = [step.id for step in steps if step.verb in owners[step.id].resource.looks]
        watchers = getattr(client, "watchers", 0)
        result = execute(plan, steps, act, waits=waits, watchers=watchers)
        for notebook in shared.values():
            result.notes.update(notebook.get("notes") or {})
        return result, {address: book.get("report") or {} for address, book in shared.items()}
    finally:
        extra = [worker for number, worker in clients.items() if number]
        kept = [entry for notebook in shared.values() for entry in notebook.values()]
        for open_thing in [*extra, *kept]:
            if hasattr(open_thing, "close"):
                open_thing.close()


@contextlib.contextmanager
def shown(client: Any, address: str, words: str) -> Iterator[Callable[..., None]]:
    """Show the progress of what is done in the block, where a controller can show it; see
    Work.tell for what it is given."""
    progress = getattr(client, "progress", None)
    if progress is None:
        yield Work.tell
        return
    with progress.step(address, words) as activity:
        yield activity.tell


def recover(part: Part, client: Any, planned: Callable[[Any], Plan]) -> Optional[str]:
    """Go back from a failed plan; return what could not be undone, in words.

    `planned` plans that, given what is observed. What the server refuses then may just have been
    done by another run, so observe again.
    """
    error: Optional[Exception] = None
    for _attempt in range(_TRIES):
        again = Part(part.resource, part.desired)
        try:
            again.look(client, {}, True)
            again.plan = planned(again.observed)
            error = _act([again], client, again.plan.steps)[0].error
        except STRANGE as broken:
            error = broken
        if not getattr(error, "refused", False):
            break
    return None if error is None else str(_ours(error))


def _is_otherwise(part: Part, client: Any) -> bool:
    """Tell whether a failed plan has left something behind, or something out of place.

    Where all is as it was, the same plan would be made again. What cannot be seen may be otherwise.
    """

    def steps(of: Plan) -> List[Tuple[str, str, Tuple[str, ...]]]:
        return sorted((step.address, step.verb, step.causes) for step in of.steps)

    again = Part(part.resource, part.desired)
    try:
        # It was planned before or after what brings things to light.
        for settled in (False, True):
            again.look(client, {}, settled)
            plan = part.resource.plan(part.desired, again.observed, again.difference)
            if steps(plan) == steps(part.plan):
                return False
    except STRANGE:
        pass
    return True


def _ours(error: Exception) -> FleetError:
    """Return an error of a step as one of ours; what the system says is told as it is."""
    if isinstance(error, STRANGE):
        return as_fleet_error(error)
    return FleetError(f"{type(error).__name__}: {error}")


def _failed(result: Result, stuck: str, address: str) -> FleetError:
    """Return the error of a failed plan with the plan, what was done and what was not.

    All in words: Ansible prints whatever a failed task returns.
    """
    by_id = {step.id: step.words() for step in result.plan.steps}
    error, *others = (_ours(error) for error in result.errors.values())
    if not error.option and not error.address:
        error.address = address
    hints = [error.hint] if error.hint else []
    hints += [
        f"{by_id[step]} failed too: {also}" for step, also in zip(list(result.errors)[1:], others)
    ]
    if stuck:
        hints.append(f"recovery failed too ({stuck}); the next run continues from here")
    error.hint = "; ".join(hints) or None
    error.details.update(
        plan={"text": result.plan.text()},
        done=[by_id[step] for step in result.done],
        failed_step=by_id[result.failed or ""],
        not_begun=[by_id[step] for step in result.not_begun],
    )
    return error


def _verify(part: Part, done: List[Step], result: Dict[str, Any]) -> None:
    """Raise FleetError if the server accepted a change and did not make it, or another undid it.

    What was made stays, so the error tells what `result` does, but for the resource itself.
    """
    again = part.resource.plan(part.desired, part.observed, part.difference)
    ignored = [change.words() for step in again.steps for change in step.changes]
    if not ignored:
        return
    known = {entry.get("id") for step in done for entry in (step.args, step.noted)}
    ident = part.resource.identity(part.observed)
    output = "the server reported success but did not apply"
    hint: Optional[str] = None
    if ident is not None:
        hint = "unless another run, or somebody else, changed it meanwhile"
        if ident not in known:
            output, hint = "another run, or somebody else, has replaced it meanwhile:", None
    told = {key: value for key, value in result.items() if key != part.resource.name}
    told.update(plan={"text": result["plan"]["text"]})
    text = f"{output} {'; '.join(ignored)}"
    raise FleetError(text, address=part.address, hint=hint, details=told)
