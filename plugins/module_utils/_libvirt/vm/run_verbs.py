# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mutations of a machine's run: started, told to go on, shut down, awaited."""

from __future__ import annotations

import time
from typing import Any, Dict, Tuple

from ..._desired.errors import FleetError
from ..._desired.steps import Step
from ..._desired.work import Verb, Work
from ..client.abandoned import GivenUp
from ..client.hypervisor import LibvirtError
from ..disk.write_errors import disk_trouble
from .reservations import need
from .states import STATES, is_io_error, stand

# Seconds after which a machine that was told to go on does, or has stopped again.
_GOES_ON = 10
_STOPS_AGAIN = 1


def _start(work: Work, step: Step) -> None:
    domain = need(work)
    if work.client.call("isActive", on=domain):
        return
    since(work)
    try:
        work.client.call("create", on=domain)
    except LibvirtError as error:
        if work.client.call("isActive", on=domain, missing=(work.client.lib.VIR_ERR_NO_DOMAIN,)):
            return  # it was resumed meanwhile
        raise FleetError(
            f"the machine cannot start: {error.message}", address=work.desired.address
        ) from None


def _resume(work: Work, step: Step) -> None:
    """Let a machine that is paused go on, or wake its guest; raise FleetError if it does not."""
    host, domain = work.client, need(work)
    state, reason = _stand(work, domain)
    broken = is_io_error(state, reason)
    _go_on(work, domain, state)
    deadline = time.monotonic() + (_STOPS_AGAIN if broken else _GOES_ON)
    while True:
        kind, words = stand(*_stand(work, domain))
        late = time.monotonic() >= deadline
        # A disk's error comes back only when the guest writes once more.
        if late and kind:
            cause = "" if not broken else ": " + disk_trouble(host, domain)
            raise FleetError(f"it does not resume: {words}{cause}", address=work.desired.address)
        if late or not (kind or broken):
            return
        time.sleep(0.1)


def _stand(work: Work, domain: Any) -> Tuple[str, int]:
    state, reason = work.client.call("state", 0, on=domain)
    return STATES[state], int(reason)


def _go_on(work: Work, domain: Any, state: str) -> None:
    """Wake or resume, where that is needed."""
    host = work.client
    if state == "suspended":
        host.call("pMWakeup", 0, on=domain)
    elif state == "paused":
        host.call("resume", on=domain)


def _hears(work: Work, domain: Any) -> bool:
    """Make a guest able to hear that it shall shut down; tell whether it is."""
    state, reason = _stand(work, domain)
    kind, _words = stand(state, reason)
    if kind in ("held", "asleep"):
        try:
            _go_on(work, domain, state)
        except LibvirtError:
            return False
    return kind != "dead" and not is_io_error(*_stand(work, domain))


def _shutdown(work: Work, step: Step) -> None:
    """Ask the guest to shut down, for at most stop_grace_period; then pull the plug.

    One that is paused or sleeps hears nothing: it is told to go on first.
    """
    if is_gone(work):
        return
    host, domain = work.client, need(work)
    patience = _patience(work, step)
    patience = patience if patience and _hears(work, domain) else 0.0
    deadline = time.monotonic() + patience
    ended = (host.lib.VIR_ERR_OPERATION_INVALID, host.lib.VIR_ERR_NO_DOMAIN)
    host.call("shutdown", on=domain, missing=ended)
    while host.call("isActive", on=domain, missing=ended):
        if time.monotonic() >= deadline:
            host.call("destroy", on=domain, missing=ended)
            return
        time.sleep(0.2)


def is_gone(work: Work) -> bool:
    """Tell whether the machine that is to be removed is gone already."""
    return work.desired.state == "absent" and work.client.domain(work.desired.name) is None


def _patience(work: Work, step: Step) -> float:
    """Return the seconds that a guest may take to shut down.

    Recovery does not wait for one that is thrown away, or whose kernel hears nothing.
    """
    if step.args.get("undo") == "all":
        return 0.0
    if step.args.get("undo"):
        from .console import panic_of

        if panic_of(work.desired.name) is not None:
            return 0.0
    return float(work.desired.stop_grace_period / 1e9)


def _wait(work: Work, step: Step) -> None:
    from .wait import wait

    result = work.shared.get("defined")
    before = [] if result is None else [{"rung": "defined", "seconds": result, "seen": "defined"}]
    begun = work.shared.get("begun", time.monotonic())
    try:
        # After a restart the former settings have to come back, whoever waits for that.
        may_end = step.impact != "restart"
        ready = wait(work.client, work.desired, need(work), begun, before, may_end)
        work.shared["report"] = {"ready": ready}
    except GivenUp:
        raise
    except FleetError as error:
        if error.outcome_unknown and step.impact != "restart":
            error.hint = f"{error.hint}; it stays as it is, and the next run continues to wait"
        raise


def since(work: Work) -> float:
    """Return the seconds since this was first asked for: a machine was to be made or started."""
    now = time.monotonic()
    begun: float = work.shared.setdefault("begun", now)
    return round(now - begun, 1)


RUN_VERBS: Dict[str, Verb] = {
    "resume": _resume,
    "shutdown": _shutdown,
    "start": _start,
    "wait": _wait,
}
