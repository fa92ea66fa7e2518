# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for a container to be up: on the engine's events, with the reason when it is not."""

from __future__ import annotations

import time
from typing import Any, Dict, Optional

from ..._desired.errors import FleetError
from ..._desired.values import dig, show_duration
from ..client.engine import Client
from ..client.errors import EngineError
from .desired import Desired
from .diagnose import fault, vanished
from .inspected import runs
from .state import UP, awaited, healthy

_NANO = 1e-9
# How long to trust the events before looking again, in seconds: an engine may lose some.
_LOOK_AGAIN = 5.0
# How long an event may take to arrive of what inspect shows already, in seconds.
_LATE = 2.0


def subscribe(client: Client) -> Any:
    """Open a stream of container events; the caller closes it."""
    events = client.events({"type": ["container"]})
    events.__enter__()
    return events


def wait(
    client: Client, ref: str, desired: Desired, events: Any = None, restarts: Optional[int] = None
) -> None:
    """Wait until a container is `started`, `healthy`, up or `completed`, within `wait_timeout`.

    `started` means running through `monitor` without a stop, `healthy` no less, `completed` that it
    has ended with exit code 0, whatever its restart policy made of other ends; `restarts` is the
    engine's count of restarts before the start, where it is known. Raise FleetError at once when
    the container exits, restarts or is unhealthy, with exit code, probe output and last log lines
    in `details`.
    """
    stream = events or subscribe(client)
    try:
        _watch(client, ref, desired, stream, restarts)
    finally:
        stream.close()


def _watch(
    client: Client, ref: str, desired: Desired, stream: Any, restarts: Optional[int]
) -> None:
    now = time.monotonic()
    deadline, steady = now + desired.wait_timeout * _NANO, now + desired.monitor * _NANO
    ended: Dict[str, Any] = {}
    while True:
        container = _inspect(client, ref, desired)
        restarts = container.get("RestartCount") or 0 if restarts is None else restarts
        if (container.get("RestartCount") or 0) > restarts and desired.wait != "completed":
            _read_end(stream, str(container["Id"]), ended)
            raise fault(client, _as_ended(container, ended), desired)
        if _is_up(client, container, desired):
            if desired.wait == "completed" or time.monotonic() >= steady:
                return
            until = steady
        else:
            until = deadline
        now = time.monotonic()
        if now >= deadline:
            what, patience = awaited(desired.wait), show_duration(desired.wait_timeout)
            raise fault(client, container, desired, f"was not {what} within {patience}")
        _next(stream, str(container["Id"]), min(until, now + _LOOK_AGAIN), ended)


def _inspect(client: Client, ref: str, desired: Desired) -> Dict[str, Any]:
    try:
        return dict(client.get(f"/containers/{ref}/json"))
    except EngineError as error:
        if error.status != 404:
            raise
        raise vanished(desired) from None


def _as_ended(container: Dict[str, Any], ended: Dict[str, Any]) -> Dict[str, Any]:
    """Return a container that runs again in the state in which its last run ended."""
    return {**container, "State": {**container["State"], **ended}}


def _is_up(client: Client, container: Dict[str, Any], desired: Desired) -> bool:
    """Tell whether the container is up; raise FleetError when it never will be."""
    state = container.get("State") or {}
    if desired.wait == "completed" and healthy(container, desired.wait) is not False:
        return not runs(container)
    if not state.get("Running") or state.get("Restarting"):
        raise fault(client, container, desired)
    if desired.wait not in ("healthy", UP):
        return True
    health = dig(state, "Health.Status")
    if health == "unhealthy":
        raise fault(client, container, desired, "is unhealthy")
    if not health and desired.wait == "healthy":
        raise FleetError(
            "has no healthcheck to wait for", address=desired.address, hint="use wait: started"
        )
    return not health or bool(health == "healthy")


def _read_end(stream: Any, ident: str, ended: Dict[str, Any]) -> None:
    """Read what is there, and until `ended` tells what a container died of that runs again."""
    until = time.monotonic() + _LATE
    now = time.monotonic()
    while now < until and _next(stream, ident, now if "ExitCode" in ended else until, ended):
        now = time.monotonic()


def _next(stream: Any, ident: str, until: float, ended: Dict[str, Any]) -> bool:
    """Return at the next event of this container, or at `until` (monotonic seconds): False then.

    `ended` takes what events tell of a run's end, as State has it until the next start.
    """
    while True:
        left = until - time.monotonic()
        event = stream.next(max(left, 0))
        if event is None or left < -_LATE:  # those of others may never cease
            return False
        if ident not in (dig(event, "Actor.ID"), event.get("id")):
            continue
        action = event.get("Action") or event.get("status")
        if action == "oom":
            ended["OOMKilled"] = True
        elif action == "die":
            told = dig(event, "Actor.Attributes") or {}
            ended["ExitCode"] = int(told.get("exitCode") or told.get("containerExitCode") or 0)
        return True
