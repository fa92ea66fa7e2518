# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mutations of a container: one function a verb, one Engine API call each."""

from __future__ import annotations

import contextlib
import functools
from dataclasses import replace
from typing import Any, Dict, Iterator, Mapping, Optional

from ..._desired.create_body import body
from ..._desired.diff import wanted
from ..._desired.errors import FleetError
from ..._desired.fields import Context, FieldSpec
from ..._desired.record import encode_record
from ..._desired.schema import for_kind
from ..._desired.steps import Step
from ..._desired.values import put
from ..._desired.work import Verb, Work
from ..client.errors import EngineError
from .desired import Desired
from .fields import FIELDS
from .fields.limits import restart_body, restart_of
from .fields.process import OWNER_LABEL
from .ids import keep_id, ref_of
from .inspected import Inspect
from .observed import Observed
from .replacement import replaced_by
from .stop import stop
from .volumes import carried_over


@contextlib.contextmanager
def _or_removed(step: Step) -> Iterator[None]:
    """Take it as done if what is to be removed is gone already, by another run or by hand."""
    try:
        yield
    except EngineError as error:
        going = "id" in step.args and step.impact in ("replace", "destroy")
        if error.status != 404 or not going:
            raise


def place(at: str) -> str:
    """Return where a field of an inspected container stands in a create body (API 1.40)."""
    return at[len("Config.") :] if at.startswith("Config.") else at


def create_checked(work: Work, step: Step, noted: Optional[Mapping[str, Any]] = None) -> None:
    """Create a container; raise FleetError if the engine has dropped a setting. See create."""
    create(work, step, noted=noted)
    from .ignored_settings import check_created

    check_created(work, step)


def create(
    work: Work,
    step: Step,
    settings: Optional[Mapping[str, Any]] = None,
    noted: Optional[Mapping[str, Any]] = None,
) -> None:
    """Create a container; `settings` go into the body and `noted` into the record beside a task's.

    Raise EngineError with the likely cause.
    """
    desired: Desired = work.desired
    image = work.snapshot.image or work.client.get(f"/images/{desired.reference}/json")
    replaced = _replaced(work, step)
    base = image.get("Config") or {}
    carried = carried_over(desired, base, replaced) if replaced else {}
    declared = desired.resolved(work.snapshot.peers)
    if carried:
        mounts = {target: {"type": "volume"} for target in carried}
        declared["volumes"] = {**mounts, **declared.get("volumes", {})}
    observed: Observed = work.snapshot
    context = Context(declared, base, {}, observed.api, observed.kind, {"carried": carried})
    result = body(for_kind(FIELDS, observed.kind), context, place)
    result.update({**(settings or {}), "Image": desired.reference})
    # No image can hold its own id: so the record is known not to be inherited.
    extra = {**_extra(desired, step, carried), **(noted or {}), "image": image["Id"]}
    record = encode_record(desired.address, FIELDS, desired.declared, extra)
    result["Labels"] = {**result.get("Labels", {}), **desired.marks, OWNER_LABEL: record}
    if observed.kind == "podman":
        from .podman import create_body

        result = create_body(result)
    try:
        query = {"name": step.args["on"], "platform": desired.declared.get("platform")}
        answer = work.client.post("/containers/create", query, result)
    except EngineError as error:
        from .diagnose import likely

        error.address = desired.address
        error.hint = error.hint or likely(error.message)
        if not error.refused:
            work.note(step, record=record)  # it may be there, for all that
        raise
    keep_id(work, step, answer)
    _check_warnings(desired, answer or {})


def _check_warnings(desired: Desired, answer: Mapping[str, Any]) -> None:
    """Raise FleetError if the engine has left out what the host's kernel lacks; it only warns."""
    discarded = [str(text) for text in answer.get("Warnings") or () if "iscarded" in str(text)]
    if not discarded:
        return
    error = FleetError(
        f"the engine drops a setting: {' '.join(discarded)}",
        address=desired.address,
        hint="leave it out, or run the container on another host",
    )
    error.outcome_unknown = True  # there is a container, which has to go again
    raise error


def _replaced(work: Work, step: Step) -> Optional[Inspect]:
    """Return the container that is being replaced, as it is now, after any recovery."""
    if "replaces" not in step.args:
        return None
    inspected: Inspect = work.client.get(f"/containers/{step.args['replaces']}/json")
    return inspected


def _extra(desired: Desired, step: Step, carried: Mapping[str, str]) -> Dict[str, Any]:
    """Return what the record holds beside the digests: enough to resume and to clean up."""
    extra: Dict[str, Any] = {
        "secret": sorted(desired.declared.get("secret_environment") or ()),
        "labels": sorted(desired.declared.get("labels") or ()),
        "carried": sorted(carried.values()),
    }
    if "replaces" in step.args:
        extra["replaces"] = replaced_by(step)
    return extra


def _update(work: Work, step: Step) -> None:
    """Change limits live. The engine answers 200 to what it ignores; the run verifies."""
    desired: Desired = work.desired
    changed = {change.field for change in step.changes}
    groups = {row.group for row in FIELDS if row.name in changed and row.group}
    context = Context(desired.declared)
    result: Dict[str, Any] = {}
    for row in FIELDS:
        if row.name in changed or (row.group and row.group in groups):
            _write_live(result, row, context)
    limits = result.get("HostConfig", {})
    if work.client.kind == "podman":
        from .podman import update_body

        limits = update_body(limits, desired.declared)
    work.client.post(f"/containers/{ref_of(work, step)}/update", None, limits)


def _write_live(result: Dict[str, Any], row: FieldSpec, context: Context) -> None:
    value = wanted(row, context)
    if row.write is not None:
        row.write(result, value, context)
    elif value is not None:
        put(result, row.at, value)


def _connect(work: Work, step: Step) -> None:
    from .networks import connect

    connect(work, step, ref_of(work, step))


def _disconnect(work: Work, step: Step) -> None:
    from .networks import disconnect

    disconnect(work, step, ref_of(work, step))


def _set_policy(work: Work, step: Step, policy: Any) -> None:
    result = {"RestartPolicy": restart_body(policy)}
    work.client.post(f"/containers/{ref_of(work, step)}/update", None, result)


def _disable_restart(work: Work, step: Step) -> None:
    with _or_removed(step):
        _set_policy(work, step, ("no", 0))


def _enable_restart(work: Work, step: Step) -> None:
    name, count = restart_of(step.args["policy"])
    _set_policy(work, step, (name, count if name == "on-failure" else 0))


def _say(word: str, work: Work, step: Step) -> None:
    """Tell the engine one word about a container: pause, unpause, or kill with the signal `to`."""
    query = {"signal": step.args["to"]} if word == "kill" else None
    work.client.post(f"/containers/{ref_of(work, step)}/{word}", query)


def _stop(work: Work, step: Step) -> None:
    with _or_removed(step):
        stop(work, ref_of(work, step), step.args["on"], "stop")


def _rename(work: Work, step: Step) -> None:
    name, to = step.args["on"], step.args["to"]
    with _or_removed(step):
        work.client.post(f"/containers/{ref_of(work, step)}/rename", {"name": to})
    result = work.shared.get("made", {})
    if name in result:
        result[to] = result.pop(name)


def _listen(work: Work, step: Step) -> None:
    """Subscribe to events before a start, so that none is missed."""
    from .wait import subscribe

    if work.desired.wait != "none" and not work.shared.get("events"):
        work.shared["events"] = subscribe(work.client)
        work.shared["restarts"] = 0
        if work.client.kind != "docker":  # which counts anew from an explicit start
            inspected = work.client.get(f"/containers/{ref_of(work, step)}/json")
            work.shared["restarts"] = inspected.get("RestartCount") or 0


def _start(work: Work, step: Step) -> None:
    _listen(work, step)
    try:
        work.client.post(f"/containers/{ref_of(work, step)}/start")
    except EngineError as error:
        from .diagnose import explain_start

        raise explain_start(work.client, ref_of(work, step), work.desired, error) from None


def _restart(work: Work, step: Step) -> None:
    """Stop and start by one call: the engine finishes it, whatever becomes of this run."""
    try:
        stop(work, ref_of(work, step), step.args["on"], "restart")
    except EngineError as error:
        from .diagnose import explain_start

        raise explain_start(work.client, ref_of(work, step), work.desired, error) from None
    if work.client.kind == "docker":
        work.shared["restarts"] = 0  # a restart by itself counts from here


def _wait(work: Work, step: Step) -> None:
    from .state import awaited
    from .wait import wait

    desired: Desired = work.desired
    if "until" in step.args:  # another container than the declared one
        monitor = int(step.args["monitor"]) or desired.monitor
        desired = replace(desired, wait=step.args["until"], monitor=monitor)
    work.tell(f"waiting for {awaited(desired.wait)}", desired.wait_timeout * 1e-9)
    events = work.shared.pop("events", None)
    wait(work.client, ref_of(work, step), desired, events, work.shared.pop("restarts", None))


def _remove(work: Work, step: Step) -> None:
    volumes = step.impact == "destroy" or "volumes" in step.args
    try:
        work.client.delete(f"/containers/{ref_of(work, step)}", {"v": volumes})
    except EngineError as error:
        if error.status == 409 and "already in progress" in error.message:
            _await_removal(work, step)  # auto_remove: the engine does it
        elif error.status != 404:
            raise


def _await_removal(work: Work, step: Step) -> None:
    """Wait until the engine has removed a container that goes by itself once it stops."""
    try:
        work.client.post(f"/containers/{ref_of(work, step)}/wait", {"condition": "removed"})
    except EngineError as error:
        if error.status != 404:
            raise


def _remove_volume(work: Work, step: Step) -> None:
    try:
        work.client.delete(f"/volumes/{step.args['on']}")
    except EngineError as error:
        # 409: it has come into use meanwhile (Podman does not list what others mount).
        if error.status not in (404, 409):
            raise


def with_hint(verb: Verb) -> Verb:
    """Return a verb that tells, of a refusal by the engine, who may have caused it.

    After another failure it is unknown how far the call came: recovery looks.
    """

    def act(work: Work, step: Step) -> Optional[bool]:
        try:
            return verb(work, step)
        except FleetError as error:
            if error.refused:
                from .diagnose import likely

                error.hint = error.hint or likely(error.message)
            else:
                work.note(step)
            raise

    return act


_VERBS: Dict[str, Verb] = {
    **{word: functools.partial(_say, word) for word in ("kill", "pause", "unpause")},
    "await_removal": _await_removal,
    "connect": _connect,
    "create": create_checked,
    "disable_restart": _disable_restart,
    "disconnect": _disconnect,
    "enable_restart": _enable_restart,
    "remove": _remove,
    "remove_volume": _remove_volume,
    "rename": _rename,
    "restart": _restart,
    "start": _start,
    "stop": _stop,
    "update": _update,
    "wait": _wait,
}
VERBS: Dict[str, Verb] = {name: with_hint(verb) for name, verb in _VERBS.items()}
