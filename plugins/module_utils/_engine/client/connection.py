# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP/1.1 connection to an engine: bytes out, answers in, failures as EngineError.

What an engine sends is bounded here, in time and size, and in _desired/bounded_json.py in depth; of
answers that may rightly be long (streams, archives, output) only each silence is.
"""

from __future__ import annotations

import select
import socket
import time
from typing import Any, Dict, Iterator, Optional

from ..._desired.bounded_json import decode
from .errors import EngineError

# The longest line, and all header fields or trailers together, in bytes.
_LINE_LIMIT = 65536
# What a header field counts beside its length, so that there are not many short ones.
_LINE_COST = 64
# Interim answers (1xx) before the answer itself.
_INTERIM = 16
# Digits of a length: less than an exbibyte, in base 16.
_DIGITS = 15
# The longest answer that is kept in memory, in bytes: 10,000 containers as listed are 40 MB.
BODY_LIMIT = 128 << 20
# How many times the time-out an answer may take from its head to its end.
WHOLE = 5


class Wire:
    """One connection. Reads consume only what is complete, so one that timed out can go on."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._buf = bytearray()
        self._end: Optional[float] = None  # a moment of time.monotonic()
        self._silence = sock.gettimeout()

    def close(self) -> None:
        """Close the connection."""
        self.sock.close()

    def quiet(self) -> bool:
        """Tell if nothing is to be read: an idle connection that is readable was closed."""
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        return not self._buf and not poll.poll(0)

    def bound(self, times: int) -> Optional[float]:
        """Let all reads from now on end within so many of the socket's time-outs, whatever drips.

        0 lifts that, so that only each silence is bounded. Return the moment of the end.
        """
        if self._end is not None:
            self.sock.settimeout(self._silence)
        self._silence = self.sock.gettimeout()
        bounded = times and self._silence is not None
        self._end = time.monotonic() + times * (self._silence or 0) if bounded else None
        return self._end

    def until(self, end: Optional[float]) -> None:
        """Let all reads from now on end at a moment of time.monotonic(), None for never."""
        self._end, self._silence = end, None
        if end is None:
            self.sock.settimeout(None)

    def _receive(self) -> bytes:
        if self._end is not None:
            left = self._end - time.monotonic()
            if left <= 0:
                raise socket.timeout
            self.sock.settimeout(min(left, self._silence or left))
        return self.sock.recv(_LINE_LIMIT)

    def _fill(self) -> None:
        data = self._receive()
        if not data:
            raise ConnectionResetError("it was closed by the other side")
        self._buf += data

    def send(self, data: bytes) -> None:
        """Send all of `data`, and keep what arrives meanwhile.

        An engine that has many answers on their way takes nothing until some are read. What it
        has sent before it hung up is left to the reader.
        """
        view, end = memoryview(data), self.bound(WHOLE)
        poll = select.poll()
        poll.register(self.sock, select.POLLIN | select.POLLOUT)
        while view:
            left = None if end is None else min(end - time.monotonic(), self._silence or 0)
            ready = poll.poll(None if left is None else max(left, 0) * 1000)
            if not ready:
                raise socket.timeout
            if ready[0][1] & ~select.POLLOUT:
                piece = self._receive()
                self._buf += piece
                if not piece:
                    break
                if len(self._buf) > BODY_LIMIT:
                    raise ValueError(f"it sends more than {BODY_LIMIT >> 20} MiB unasked")
            else:
                view = view[self.sock.send(view) :]
        self.bound(0)

    def line(self) -> bytes:
        """Take one line without its end; ValueError when it is longer than 64 KiB."""
        while True:
            end = self._buf.find(b"\n")
            if end >= 0:
                text = bytes(self._buf[:end]).rstrip(b"\r")
                del self._buf[: end + 1]
                return text
            if len(self._buf) > _LINE_LIMIT:
                raise ValueError("a line without end")
            self._fill()

    def lines(self) -> Iterator[bytes]:
        """Take lines up to an empty one; ValueError when they are more than any engine sends."""
        room = _LINE_LIMIT
        for text in iter(self.line, b""):
            room -= len(text) + _LINE_COST
            if room < 0:
                raise ValueError("header fields without end")
            yield text

    def some(self, limit: int) -> bytes:
        """Take between one and `limit` bytes."""
        if not self._buf:
            self._fill()
        data = bytes(self._buf[:limit])
        del self._buf[:limit]
        return data


class Reply:
    """One answer: `status`, `headers` (names in lower case), then its body bit by bit.

    Its head has to be there within one time-out of the socket, interim answers included.
    """

    def __init__(self, wire: Wire, method: str) -> None:
        self._wire = wire
        self.status = 100
        wire.bound(1)
        for _turn in range(_INTERIM):
            version = self._head()
            if self.status >= 200:
                break
        else:
            raise ValueError("interim answers without end")
        wire.bound(0)
        length = self.headers.get("content-length")
        self._chunked = "chunked" in self.headers.get("transfer-encoding", "").lower()
        self._left: Optional[int] = _number(length, 10) if length else None
        if self._chunked or method == "HEAD" or self.status in (204, 304):
            self._left = 0
        if method == "HEAD" or self.status in (204, 304):
            self._chunked = False
        self._between = False  # a chunk was read, its line end was not
        closing = version == b"HTTP/1.0" or "close" in self.headers.get("connection", "").lower()
        self.keep = not closing and self._left is not None
        self.body = b""

    @property
    def failed(self) -> bool:
        """Whether it is no success; 304 means nothing to do. Redirects are not followed."""
        return not 200 <= self.status < 300 and self.status != 304

    def _head(self) -> bytes:
        first = self._wire.line()
        parts = first.split(None, 2)
        if len(parts) < 2 or not first.startswith(b"HTTP/1.") or not parts[1].isdigit():
            raise ValueError(f"it begins with {first[:60].decode('utf-8', 'replace')!r}")
        self.status = int(parts[1][:4])
        self.headers: Dict[str, str] = {}
        for line in self._wire.lines():
            name, _colon, value = line.decode("utf-8", "replace").partition(":")
            self.headers[name.strip().lower()] = value.strip()
        return parts[0]

    def some(self) -> bytes:
        """Take the next part of the body, b"" at its end."""
        if self._chunked and self._left == 0:
            if self._between:
                self._wire.line()
                self._between = False
            self._left = _number(self._wire.line().split(b";")[0].decode("latin-1"), 16)
            if self._left == 0:
                self._chunked = False
                for _trailer in self._wire.lines():
                    pass
        if self._left is None:
            try:
                return self._wire.some(_LINE_LIMIT)
            except ConnectionResetError:
                return b""
        if self._left == 0:
            return b""
        data = self._wire.some(min(self._left, _LINE_LIMIT))
        self._left -= len(data)
        self._between = self._chunked
        return data

    def read(self) -> Reply:
        """Read the whole body into `body`, which is bounded in time and size."""
        self._wire.bound(WHOLE)
        body = bytearray()
        for piece in iter(self.some, b""):
            body += piece
            if len(body) > BODY_LIMIT:
                raise ValueError(f"it is longer than {BODY_LIMIT >> 20} MiB")
        self._wire.bound(0)
        self.body = bytes(body)
        return self

    def error(self, method: str, path: str) -> EngineError:
        """Return the error this answer is, in the daemon's own words."""
        from .failures import refusal

        return refusal(self.status, self.body, method, path)

    def value(self, method: str, path: str) -> Any:
        """Return the JSON of a complete answer, None if empty; raise EngineError if it failed."""
        if self.failed:
            raise self.error(method, path)
        if self.body.strip() in (b"", b"OK"):  # Podman says OK to a connect and a disconnect
            return None
        try:
            return decode(self.body)
        except ValueError as exc:
            from .failures import unreadable

            raise unreadable(self.status, self.body, exc, method, path) from None


def _number(text: str, base: int) -> int:
    """Return a length; int() takes signs, underscores and other digits as well."""
    digits = text.strip()
    if len(digits) > _DIGITS or not digits.isalnum() or not digits.isascii():
        raise ValueError(f"it has a length of {digits[:60]!r}")
    return int(digits, base)
