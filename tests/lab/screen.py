"""What a user sees of a program on a terminal: a pseudo-terminal, and a small interpreter of it."""

from __future__ import annotations

import codecs
import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence

# Of ECMA-48: the cursor up, erase in line and in page from the cursor on, colours and modes.
_CONTROL = re.compile(r"\x1b\[([?0-9;]*)([A-Za-z])")
_BEGUN = re.compile(r"\x1b(\[[?0-9;]*)?$")


class Screen:
    """The lines of a terminal, those that have left it at the top included."""

    def __init__(self, columns: int = 80) -> None:
        self.columns = columns
        self._lines: list[list[str]] = [[]]
        self._row = self._column = 0
        self._rest = ""

    @property
    def lines(self) -> list[str]:
        """What is to be seen, without blanks at the ends of lines."""
        return ["".join(line).rstrip() for line in self._lines]

    @property
    def text(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines)

    def feed(self, text: str) -> None:
        """Take what a program has written; fail on a control sequence that is not expected."""
        text = self._rest + text
        begun = _BEGUN.search(text)
        self._rest = begun[0] if begun else ""
        text = text[: len(text) - len(self._rest)]
        at = 0
        while at < len(text):
            match = _CONTROL.match(text, at)
            if match:
                self._obey(match[1], match[2])
                at = match.end()
            else:
                self._take(text[at])
                at += 1

    def _obey(self, value: str, command: str) -> None:
        if command == "A":
            self._row = max(0, self._row - int(value or 1))
        elif command in "KJ" and value in ("", "0"):
            del self._lines[self._row][self._column :]
            if command == "J":
                del self._lines[self._row + 1 :]
        else:
            assert command == "m", f"control sequence {value}{command}"

    def _take(self, character: str) -> None:
        if character == "\r":
            self._column = 0
        elif character == "\n":
            self._feed()
        else:
            assert character.isprintable(), f"control character {character!r}"
            if self._column == self.columns:
                self._column = 0
                self._feed()
            line = self._lines[self._row]
            line.extend(" " * (self._column + 1 - len(line)))
            line[self._column] = character
            self._column += 1

    def _feed(self) -> None:
        self._row += 1
        if self._row == len(self._lines):
            self._lines.append([])


class Run:
    """A program on a terminal of its own, which it controls."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        columns: int = 80,
        rows: int = 24,
    ) -> None:
        self.screen = Screen(columns)
        self.output = ""
        self.frames: list[list[str]] = []
        self.status: int | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._pid, self._file = pty.fork()
        if self._pid == 0:
            with contextlib.suppress(OSError):
                _resize(1, columns, rows)
                os.execvpe(command[0], list(command), dict(environment))
            os._exit(127)

    def until(self, condition: Callable[[], bool], patience: float = 60) -> None:
        """Read on until a condition holds; `frames` gets the lines after each piece."""
        end = time.monotonic() + patience
        while not condition():
            state = f"{self.status} after {self.output!r}"
            assert self.status is None, f"it has ended with {state}"
            assert time.monotonic() < end, f"not within {patience:g} s: {state}"
            self._read(0.2)

    def shows(self, text: str) -> None:
        """Read on until a text is to be seen."""
        self.until(lambda: text in self.screen.text)

    def wait(self, patience: float = 60) -> int:
        """Read until the program has ended; return its exit code, negative for a signal."""
        self.until(lambda: self.status is not None, patience)
        return self.status or 0

    def send(self, data: bytes) -> None:
        """Press keys; Ctrl-C is b"\\x03"."""
        os.write(self._file, data)

    def resize(self, columns: int, rows: int = 24) -> None:
        """Give the terminal another size; what is on it stays as it is."""
        self.screen.columns = columns
        _resize(self._file, columns, rows)

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send the program a signal."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, number)

    def is_sane(self) -> bool:
        """Tell whether the terminal gathers lines, shows keys, and translates ends of lines."""
        attributes = termios.tcgetattr(self._file)
        local = attributes[3]
        return bool(
            local & termios.ICANON and local & termios.ECHO and attributes[1] & termios.OPOST
        )

    def close(self) -> None:
        """End the program, and the terminal."""
        if self.status is None:
            self.kill()
            os.waitpid(self._pid, 0)
        os.close(self._file)

    def __enter__(self) -> Run:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def _read(self, patience: float) -> None:
        data = b""
        if select.select([self._file], [], [], patience)[0]:
            with contextlib.suppress(OSError):  # Linux's word for the end
                data = os.read(self._file, 1 << 16)
        if data:
            text = self._decoder.decode(data)
            self.output += text
            self.screen.feed(text)
            self.frames.append(self.screen.lines)
        else:
            pid, status = os.waitpid(self._pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)


def _resize(file: int, columns: int, rows: int) -> None:
    fcntl.ioctl(file, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
