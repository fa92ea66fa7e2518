# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Threads that leave the process's signals to its main thread."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import Any, Callable, Iterator


def start(work: Callable[..., object], *arguments: Any) -> threading.Thread:
    """Start and return a thread that the process does not wait for at its end.

    It takes no signal. Python answers one in the main thread alone, whichever has taken it (the
    signal module, "Signals and threads"): a main thread that waits for an engine would go on
    waiting, and Ctrl-C would do nothing. A process that such a thread starts inherits that, unless
    it is started within `for_processes`.
    """
    thread = threading.Thread(target=work, args=arguments, daemon=True)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        thread.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return thread


@contextlib.contextmanager
def for_processes() -> Iterator[None]:
    """Let this thread take signals for as long as it starts processes, which have to take them."""
    before = signal.pthread_sigmask(signal.SIG_UNBLOCK, signal.valid_signals())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
