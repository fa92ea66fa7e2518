# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a container that is not simply up is to be judged; a no-op does not load this."""

from __future__ import annotations

from typing import Any, Optional

from ..._desired.values import dig
from .inspected import Inspect, runs

# Of `wait`, beside what users choose: healthy where there is a healthcheck, its image's too, else
# started, as `docker compose up --wait`.
UP = "up"


def awaited(wait: str) -> str:
    """Return what is waited for, as users write it."""
    return "healthy" if wait == UP else wait


def is_paused(container: Inspect) -> bool:
    """Tell whether the processes of a container are frozen."""
    return bool(dig(container, "State.Paused"))


def is_checked(test: Any) -> bool:
    """Tell whether there is a healthcheck, by its test: the word NONE is for none."""
    return bool(test) and test != "NONE" and tuple(test) != ("NONE",)


def healthy(container: Inspect, wait: str) -> Optional[bool]:
    """Judge a container by `wait`: True it is up, False it failed, None it is not decided yet."""
    state = container.get("State") or {}
    if state.get("Status") == "created":
        return None
    if wait == "completed":
        return None if runs(container) else state.get("ExitCode") == 0
    if not state.get("Running") or state.get("Restarting"):
        return wait == "none"
    health = dig(state, "Health.Status")
    if wait not in ("healthy", UP) or health == "healthy" or (wait == UP and not health):
        return True
    return False if health == "unhealthy" else None


def is_settled(container: Inspect, state: str, wait: str) -> bool:
    """Tell whether a container is in a declared state and, where it runs, up as `wait` has it."""
    running, paused = runs(container), is_paused(container)
    if wait == "completed" and state == "started":
        return healthy(container, wait) is True
    if state == "stopped":
        return not running
    if state in ("started", "paused") and not (running and paused == (state == "paused")):
        return False
    return not running or paused or healthy(container, wait) is True
