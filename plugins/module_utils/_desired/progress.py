# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A line now and then about a step that takes long, from the controller's side alone."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Callable

from .terminal_text import visible

Show = Callable[[str], None]

# Seconds until the first line of a step, and from line to line.
FIRST = 5.0
NEXT = 10.0
_LONGEST = 160  # characters of a line


class Progress:
    """Shows what a step is doing while the block is entered, on a thread of its own.

    A step is told of even while its server says nothing. `show` takes one line; what it raises is
    not the step's. Words must hold no secret: they are shown to whoever sees the run.
    """

    def __init__(self, show: Show, address: str, words: str) -> None:
        self._show = show
        self._address = address
        self._words, self._limit = words, 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def tell(self, words: str, limit: float = 0) -> None:
        """Say what is being done from now on, and how many seconds it may take, 0 for unknown."""
        self._words, self._limit = words, limit

    def __enter__(self) -> Progress:
        self._begun = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        patience = FIRST
        while not self._over.wait(patience):
            patience = NEXT
            with contextlib.suppress(Exception):
                self._show(visible(self._line(), _LONGEST))

    def _line(self) -> str:
        passed = f"{time.monotonic() - self._begun:.0f} s"
        limit = f" of {self._limit:g} s" if self._limit else ""
        return f"{self._address}: {self._words}, {passed}{limit}"
