# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for a container to be up: on the engine's events, with the reason when it is not."""

from __future__ import annotations

import time
from typing import Any, Dict, Optional

from .._desired.errors import FleetError
from .._desired.values import dig, show_duration
from .client import Client, EngineError
from .container_wish import Wish

_LOG_LINES = 20
_NANO = 1e-9
# How long to trust the events before looking again, in seconds: an engine may lose some.
_LOOK_AGAIN = 5.0


def subscribe(client: Client) -> Any:
    """Open a stream of container events; the caller closes it."""
    events = client.events({"type": ["container"]})
    events.__enter__()
    return events


def wait(
    client: Client, ref: str, wish: Wish, events: Any = None, restarts: Optional[int] = None
) -> None:
    """Wait until a container is `started` or `healthy`, for at most `wait_timeout`.

    `started` means running through `monitor` without a stop; `restarts` is the engine's count of
    restarts before the start, where it is known. Raise FleetError at once when the container
    exits, restarts or is unhealthy, with exit code, probe output and last log lines in `details`.
    """
    stream = events or subscribe(client)
    try:
        _watch(client, ref, wish, stream, restarts)
    finally:
        stream.close()


def _watch(client: Client, ref: str, wish: Wish, stream: Any, restarts: Optional[int]) -> None:
    now = time.monotonic()
    deadline, steady = now + wish.wait_timeout * _NANO, now + wish.monitor * _NANO
    while True:
        container = client.get(f"/containers/{ref}/json")
        restarts = container.get("RestartCount") or 0 if restarts is None else restarts
        if _is_up(client, container, wish, restarts):
            if wish.wait == "healthy" or time.monotonic() >= steady:
                return
            until = steady
        else:
            until = deadline
        now = time.monotonic()
        if now >= deadline:
            patience = show_duration(wish.wait_timeout)
            raise _fault(client, container, wish, f"was not {wish.wait} within {patience}")
        _next(stream, str(container["Id"]), min(until, now + _LOOK_AGAIN))


def _is_up(client: Client, container: Dict[str, Any], wish: Wish, restarts: int) -> bool:
    """Tell whether the container is up; raise FleetError when it never will be."""
    state = container.get("State") or {}
    restarted = (container.get("RestartCount") or 0) > restarts
    if not state.get("Running") or state.get("Restarting") or restarted:
        raise _fault(client, container, wish, _how_it_ended(container))
    if wish.wait != "healthy":
        return True
    health = dig(state, "Health.Status")
    if health == "unhealthy":
        raise _fault(client, container, wish, "is unhealthy")
    if not health:
        raise FleetError(
            "has no healthcheck to wait for", address=wish.address, hint="use wait: started"
        )
    return bool(health == "healthy")


def _how_it_ended(container: Dict[str, Any]) -> str:
    state = container.get("State") or {}
    if state.get("OOMKilled"):
        return "was killed: out of memory"
    again = ", and is being restarted" if container.get("RestartCount") else ""
    return f"exited with code {state.get('ExitCode')}{again}"


def _fault(client: Client, container: Dict[str, Any], wish: Wish, how: str) -> FleetError:
    """Return the error of a container that is not up, with the evidence."""
    details = evidence(client, container)
    lines = details.get("log") or []
    hint = f"its last words: {lines[-1].strip()}" if lines else "it wrote nothing to its log"
    if details.get("health_output"):
        hint = f"its probe said: {details['health_output'].strip()}; {hint}"
    return FleetError(f"the container {how}", address=wish.address, hint=hint, details=details)


def evidence(client: Client, container: Dict[str, Any]) -> Dict[str, Any]:
    """Return what explains a failure: exit_code, oom_killed, health_output, log (last lines)."""
    state = container.get("State") or {}
    probes = dig(state, "Health.Log") or []
    try:
        log = client.logs(str(container["Id"]), tail=_LOG_LINES).splitlines()
    except EngineError:
        log = []
    return {
        "exit_code": state.get("ExitCode"),
        "oom_killed": bool(state.get("OOMKilled")),
        "health_output": str(probes[-1].get("Output", "")) if probes else "",
        "log": log,
    }


def explain_start(client: Client, ref: str, address: str, error: EngineError) -> FleetError:
    """Return the error of a start that the engine refused, with what the user can do about it."""
    if error.status == 0:
        return error
    hint: Optional[str] = None
    if "port is already allocated" in error.message or "address already in use" in error.message:
        hint = "another program on the host uses that port"
    elif "executable file not found" in error.message or "no such file" in error.message:
        hint = "the command is not in the image"
    return FleetError(f"cannot start: {error.message}", address=address, hint=hint)


def _next(stream: Any, ident: str, until: float) -> None:
    """Return at the next event of this container, or at `until` (monotonic seconds)."""
    while True:
        left = until - time.monotonic()
        if left <= 0:
            return
        event = stream.next(left)
        if event is None or dig(event, "Actor.ID") == ident or event.get("id") == ident:
            return
