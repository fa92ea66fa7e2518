# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stopping a container: how long it may take, and what is said of one that took all of it."""

from __future__ import annotations

import time
from typing import Any, Mapping

from ..._desired.values import dig
from ..._desired.work import Work
from .desired import Desired
from .state import is_paused

_USUAL = 10  # seconds, as engines have it


def stop(work: Work, ref: str, name: str, verb: str) -> None:
    """Ask for a stop or a restart by `verb`, and note a program that had to be killed.

    It costs the whole grace period in each run, and whatever the program had in hand. A paused one
    goes on for that, so that it can end by itself; Podman would not stop it at all.
    """
    desired: Desired = work.desired
    inspected = work.client.get(f"/containers/{ref}/json")
    seconds = _patience(desired, inspected)
    if is_paused(inspected):
        work.client.post(f"/containers/{ref}/unpause")
    if seconds > 0:
        work.tell(f"waiting for {name} to end", seconds)
    begun = time.monotonic()
    timeout = seconds + work.client.timeout
    work.client.post(f"/containers/{ref}/{verb}", {"t": seconds}, timeout=timeout)
    if 0 < seconds <= time.monotonic() - begun:
        note = (
            f"{name} did not end within {seconds}s of its stop signal and was killed;"
            " init: true, another stop_signal, or a shorter stop_grace_period may help"
        )
        work.shared.setdefault("report", {}).setdefault("notes", []).append(note)


def _patience(desired: Desired, inspected: Mapping[str, Any]) -> int:
    """Return how long a container may take to stop, in seconds: the task's, its own, or 10."""
    grace = desired.declared.get("stop_grace_period")
    own = dig(inspected, "Config.StopTimeout")
    return int(grace if grace is not None else own if own is not None else _USUAL)
