# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for a lock that another process has, and why there can be none. Loaded only then."""

from __future__ import annotations

import fcntl
import os
import time
from typing import Callable, Optional

from .errors import FleetError

# Seconds for which another process may hold it before the user is told which one that is.
PATIENCE = 5.0
_LOOK = 0.05
_WORDS = 200  # bytes that the holder says of itself at most


def wait(
    handle: int, what: str, tell: Optional[Callable[[str], object]], take: Callable[[int], bool]
) -> None:
    """Take the lock with `take` once it is free; `tell` gets a sentence that says who has it."""
    end = time.monotonic() + (PATIENCE if tell else 0)
    while not take(handle):
        if time.monotonic() >= end:
            if tell:
                tell(f"waiting for {_holder(handle)}, which changes {what}")
            fcntl.flock(handle, fcntl.LOCK_EX)
            return
        time.sleep(_LOOK)


def _holder(handle: int) -> str:
    """Return what the holder said of itself, which is a moment later than it took the lock."""
    return os.pread(handle, _WORDS, 0).decode("utf-8", "replace") or "another process"


def unfit(path: str, reason: str) -> FleetError:
    """Return the error of a folder that cannot be this user's own."""
    return FleetError(
        f"{path} is not a folder for the locks of user {os.geteuid()} only: {reason}",
        hint="it may belong to somebody else: inspect it, and remove it if it is not needed",
    )
