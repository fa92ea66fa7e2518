# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for the end of something that runs, on the engine's events."""

from __future__ import annotations

import socket
import time
from typing import Callable, List, Mapping, Optional, TypeVar

from .engine import Client

Ended = TypeVar("Ended")
# How long to trust the events before looking again, in seconds: an engine may lose some.
_LOOK_AGAIN = 5.0


def until_ended(
    client: Client,
    look: Callable[[], Optional[Ended]],
    filters: Mapping[str, List[str]],
    deadline: Optional[float],
) -> Ended:
    """Return what `look` says once it says something: asked again at each event that fits.

    `deadline` is a moment of time.monotonic(), None for ever: socket.timeout when it has passed.
    """
    seen = look()
    if seen is not None:
        return seen
    with client.events(filters) as events:
        while True:
            seen = look()
            if seen is not None:
                return seen
            patience = _LOOK_AGAIN
            if deadline is not None:
                patience = min(patience, deadline - time.monotonic())
                if patience <= 0:
                    raise socket.timeout
            events.next(patience)
