# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Status lines at the end of the output on a terminal, rewritten in place.

Ansible runs each task in a fork of the process that writes to the terminal. So that process has a
thread which draws, and forks send it what they do through a socket. Whatever else is written there
through Python's stdout and stderr first wipes the lines away; they are drawn again below it. They
are drawn from the cursor on, which goes back to where it was: wiping never takes what stands above
them, whatever has become of the terminal's width or of keys that were pressed meanwhile. No mode of
the terminal is changed, so that a process which is killed leaves none behind.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import socket
import sys
import termios
import threading
import time
from typing import Any, Callable, Dict, Iterator, List, Optional, TextIO, Tuple

from ...module_utils._desired.terminal_text import visible
from ...module_utils._desired.threads import start
from .status_lines import Status, status_lines

# Seconds: from one drawing to the next, and until a fork that says nothing more counts as gone.
_PAUSE = 0.2
_GONE = 5.0
# Characters of each text in a message, and bytes of the whole, which four such texts stay below.
_LONGEST = 200
_LARGEST = 8192
# Erase from the cursor to the end of the line, and to the end of the screen (ECMA-48, 8.3.41, 39).
_REST_OF_LINE = "\x1b[K"
_REST = "\x1b[J"
_USUAL = (80, 24)


class Terminal:
    """The terminal of a run, at the file descriptor of `output`; `lock` excludes Ansible's own
    writes, forks and questions to the user, and no line is drawn while another has it."""

    def __init__(self, output: TextIO, lock: Any) -> None:
        self._output, self._file = output, output.fileno()
        self._lock = lock
        self._own = threading.RLock()
        self._statuses: Dict[str, Tuple[float, Status]] = {}
        self._writers = 0
        self._is_drawn, self._is_line_begun = False, False
        self._drawn, self._drawn_at = "", 0.0
        self._is_open = True
        self._receiver, self._sender = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._sender.setblocking(False)

    def start(self, *streams: TextIO) -> None:
        """Begin to draw, and to make way for what is written to these streams."""
        for stream in streams:
            self._follow(stream)
        os.register_at_fork(after_in_child=self._leave)
        atexit.register(self.close)
        start(self._run)

    def close(self) -> None:
        """Wipe the lines away, and draw no more."""
        with self._own:
            self._is_open = False
            self._wipe()

    def _leave(self) -> None:
        """Draw nothing in a fork, which has the sender alone."""
        self._is_open, self._is_drawn = False, False
        self._own = threading.RLock()

    # -- in a fork ------------------------------------------------------------------------

    def send(self, name: str, status: Optional[Status]) -> None:
        """Have a line drawn under a name, in place of the one before; None for no line more.

        It may be lost where the terminal takes nothing: it is no more than a look at what goes on.
        """
        texts = [name, *(visible(text, _LONGEST) for text in status or ())]
        with contextlib.suppress(OSError):
            self._sender.send(json.dumps(texts, ensure_ascii=False).encode())

    # -- where the output is --------------------------------------------------------------

    def _follow(self, stream: TextIO) -> None:
        """Have a stream's bytes written between wiping and drawing.

        As Ansible does for its lock (utils/display.py), the buffer's method is replaced. It is
        flushed, so that nothing of it comes after lines which are drawn later.
        """
        buffer: Any = stream.buffer
        write: Callable[[Any], int] = buffer.write

        def written(data: Any) -> int:
            if not self._is_open:
                return write(data)
            with self._aside():
                count = write(data)
                buffer.flush()
                if data:
                    self._is_line_begun = bytes(data[-1:]) != b"\n"
            return count

        buffer.write = written

    @contextlib.contextmanager
    def _aside(self) -> Iterator[None]:
        # Another lock is never waited for with our own in hand: so there is no deadlock.
        with self._own:
            self._writers += 1
            self._wipe()
        try:
            yield
        finally:
            with self._own:
                self._writers -= 1

    def _run(self) -> None:
        while self._is_open:
            patience = _PAUSE if self._statuses or self._is_drawn else None
            try:
                if select.select([self._receiver], [], [], patience)[0]:
                    self._take(self._receiver.recv(_LARGEST))
                if time.monotonic() - self._drawn_at >= _PAUSE:
                    self._draw()
            except (OSError, ValueError, TypeError, termios.error):
                self._is_open = False  # the terminal is gone, or lines would come out wrong

    def _take(self, data: bytes) -> None:
        name, *texts = json.loads(data)
        if texts:
            self._statuses[name] = (time.monotonic(), Status(*texts))
        else:
            self._statuses.pop(name, None)

    def _draw(self) -> None:
        now = time.monotonic()
        for name, (seen, _status) in list(self._statuses.items()):
            if now - seen > _GONE:
                del self._statuses[name]
        # Whoever asks the user has the lock, and so has Ansible while it forks. Nothing is waited
        # for, so that nobody waits for this thread.
        if not self._lock.acquire(blocking=False):
            return
        try:
            if self._own.acquire(blocking=False):
                try:
                    if self._is_open and not self._writers and not self._is_line_begun:
                        self._redraw()
                        self._drawn_at = now
                finally:
                    self._own.release()
        finally:
            self._lock.release()

    def _redraw(self) -> None:
        lines = self._lines()
        if not lines:
            self._wipe()
            return
        drawn = f"{_REST_OF_LINE}\n".join(lines)
        # No line feed after the last one: it would move the screen.
        up = f"\x1b[{len(lines) - 1}A" if len(lines) > 1 else ""
        text = f"\r{drawn}{_REST}\r{up}"
        is_there = self._is_drawn and text == self._drawn
        if not is_there and is_ours(self._file) and self._is_ready():
            self._put(text)
            self._is_drawn, self._drawn = True, text

    def _lines(self) -> List[str]:
        columns, rows = _USUAL
        with contextlib.suppress(OSError):
            size = os.get_terminal_size(self._file)
            columns, rows = size.columns or columns, size.lines or rows
        return status_lines([status for _seen, status in self._statuses.values()], columns, rows)

    def _is_ready(self) -> bool:
        """Tell whether the terminal takes something: one that is stopped would stop the run."""
        return bool(select.select([], [self._file], [], 0)[1])

    def _wipe(self) -> None:
        """Take the lines away, if they are where the cursor is: a program that asks the user has
        written there past Python's streams."""
        if self._is_drawn:
            self._is_drawn = False
            with contextlib.suppress(OSError, termios.error):
                if is_ours(self._file):
                    self._put(f"\r{_REST}")

    def _put(self, text: str) -> None:
        data = text.encode(self._output.encoding or "ascii", "replace")
        while data:
            data = data[os.write(self._file, data) :]


def is_ours(file: int) -> bool:
    """Tell whether a terminal is in nobody else's hands: it shows and gathers lines by itself, as
    no program lets it that asks for a password or edits a line; and this run is not in the
    background. Raise OSError or termios.error if it is no terminal."""
    local = termios.tcgetattr(file)[3]
    if not (local & termios.ICANON and local & termios.ECHO):
        return False
    try:
        return os.tcgetpgrp(file) == os.getpgrp()
    except OSError:
        return True  # it is a terminal, but not the one that controls this process


def find_terminal(lock: Any) -> Optional[Terminal]:
    """Return the terminal that stdout is, with lines drawn from now on; None if it is none, or one
    that cannot rewrite lines."""
    output = sys.stdout
    try:
        if not (output.isatty() and is_ours(output.fileno())):
            return None
        result = Terminal(output, lock)
        result.start(*(stream for stream in (output, sys.stderr) if stream.isatty()))
    except (OSError, ValueError, AttributeError, termios.error):
        return None
    return result
