# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the steps of a task are doing while they take long, from the controller's side alone."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from typing import Callable, Iterable, Iterator, List, Optional, Sequence

from .terminal_text import visible
from .threads import start

# Seconds that a step takes before the first line is written about it, and from line to line.
FIRST = 5.0
NEXT = 10.0
_LONGEST = 160  # characters of an address, and of what is said of a step


class Activity:
    """A step that is being made: its address, what is being done, and since when."""

    def __init__(self, address: str, words: str) -> None:
        self.address = visible(address, _LONGEST)
        self.begun = self._since = time.monotonic()
        self._words, self._limit = words, 0.0

    def tell(self, words: str, limit: float = 0) -> None:
        """Say what is being done from now on, and how many seconds it may take, 0 for unknown.

        Words must hold no secret: they are shown to whoever sees the run.
        """
        if limit and (words, limit) != (self._words, self._limit):
            self._since = time.monotonic()
        self._words, self._limit = words, limit

    @property
    def words(self) -> str:
        """What is being done, in one short line that a terminal only prints."""
        return visible(self._words, _LONGEST)

    @property
    def time(self) -> str:
        """For how long it has gone on; with a limit, how long of it has passed."""
        limit = self._limit
        passed = time.monotonic() - (self._since if limit else self.begun)
        return f"{passed:.0f} s of {limit:g} s" if limit else f"{passed:.0f} s"


Show = Callable[[Sequence[Activity]], None]


def line(activities: Sequence[Activity]) -> str:
    """Return one line about all that a task is doing."""
    return "; ".join(f"{entry.address}: {entry.words}, {entry.time}" for entry in activities)


def counted(
    tell: Callable[[str], None],
    pieces: Iterable[bytes],
    word: str,
    whole: int = 0,
    before: int = 0,
) -> Iterator[bytes]:
    """Yield pieces of what is sent or received, telling by a word and in MiB how much has gone by.

    `before` bytes of `whole` had gone before; `whole` is 0 where it is unknown, and not told once
    there is more.
    """
    count = before
    for piece in pieces:
        known = f" of {whole >> 20}" if 0 < whole >= count else ""
        tell(f"{word}, {count >> 20}{known} MiB")
        count += len(piece)
        yield piece


class Progress:
    """Shows what a task's steps are doing, on a thread of its own; close() ends that.

    `show` takes the steps that have taken `first` seconds, the oldest first, again every `pause`
    seconds, though their server says nothing, and with them the steps that follow; and an empty
    list when what was shown is over. What it raises is not the steps'. A task whose steps are fast
    shows nothing.
    """

    def __init__(self, show: Show, first: float = FIRST, pause: float = NEXT) -> None:
        self._show = show
        self._first, self._pause = first, pause
        self._running: List[Activity] = []
        self._is_shown = self._closed = False
        self._shown_at = -math.inf
        self._changed = threading.Condition()
        self._thread: Optional[threading.Thread] = None

    @contextlib.contextmanager
    def step(self, address: str, words: str) -> Iterator[Activity]:
        """Have a step running while the block is entered; its activity takes what it tells."""
        activity = Activity(address, words)
        with self._changed:
            self._running.append(activity)
            if self._thread is None:
                self._thread = start(self._run)
        try:
            yield activity
        finally:
            with self._changed:
                self._running.remove(activity)
                # For others the thread looks by itself, soon enough.
                if self._is_shown and not self._running:
                    self._changed.notify()

    def close(self) -> None:
        """Stop; what was shown is over then."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                closed, running = self._closed, [] if self._closed else list(self._running)
            now = time.monotonic()
            slow = [entry for entry in running if now - entry.begun >= self._first]
            # Where something is shown already, what comes next follows at once.
            told = slow or (running if self._is_shown else [])
            over = self._is_shown and not told
            if over or (told and now - self._shown_at >= self._pause):
                with contextlib.suppress(Exception):
                    self._show(told)
                self._is_shown = bool(told)
                self._shown_at = self._shown_at if over else now
            if closed:
                return
            with self._changed:
                if not self._closed and (self._running or not self._is_shown):
                    self._changed.wait(self._rest(bool(told), running, now))

    def _rest(self, told: bool, running: Sequence[Activity], now: float) -> float:
        """Return the seconds until something may be due."""
        if told:
            return max(0.0, self._shown_at + self._pause - now)
        return max(0.0, running[0].begun + self._first - now) if running else self._first
