# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP/1.1 connection to an engine: bytes out, answers in, failures as EngineError."""

from __future__ import annotations

import json
import select
import socket
from typing import Any, Dict, Optional

from .._desired.errors import FleetError

_LINE_LIMIT = 65536


class EngineError(FleetError):
    """An answer that is not success; `status` is 0 when there was no (readable) answer."""

    def __init__(
        self, message: str, *, status: int = 0, method: str = "", path: str = "", **more: Any
    ) -> None:
        super().__init__(message, **more)
        self.status = status
        self.refused = 400 <= status < 500
        self.method = method
        self.path = path


class ConnectionLost(EngineError):
    """The connection broke or timed out after a request may have reached the engine."""

    outcome_unknown = True


class Wire:
    """One connection. Reads consume only what is complete, so one that timed out can go on."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._buf = bytearray()

    def close(self) -> None:
        """Close the connection."""
        self.sock.close()

    def quiet(self) -> bool:
        """Say if nothing is to be read: an idle connection that is readable was closed."""
        poll = select.poll()
        poll.register(self.sock, select.POLLIN)
        return not self._buf and not poll.poll(0)

    def _fill(self) -> None:
        data = self.sock.recv(_LINE_LIMIT)
        if not data:
            raise ConnectionResetError("it was closed by the other side")
        self._buf += data

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

    def some(self, limit: int) -> bytes:
        """Take between one and `limit` bytes."""
        if not self._buf:
            self._fill()
        data = bytes(self._buf[:limit])
        del self._buf[:limit]
        return data


class Reply:
    """One answer: `status`, `headers` (names in lower case), then its body bit by bit."""

    def __init__(self, wire: Wire, method: str) -> None:
        self._wire = wire
        self.status = 100
        while self.status < 200:
            version = self._head()
        length = self.headers.get("content-length")
        self._chunked = "chunked" in self.headers.get("transfer-encoding", "").lower()
        self._left: Optional[int] = int(length) if length else None
        if self._chunked or method == "HEAD" or self.status in (204, 304):
            self._left = 0
        if method == "HEAD" or self.status in (204, 304):
            self._chunked = False
        self._between = False  # a chunk was read, its line end was not
        closing = version == b"HTTP/1.0" or "close" in self.headers.get("connection", "").lower()
        self.keep = not closing and self._left is not None
        self.body = b""

    def _head(self) -> bytes:
        first = self._wire.line()
        parts = first.split(None, 2)
        if len(parts) < 2 or not first.startswith(b"HTTP/1.") or not parts[1].isdigit():
            raise ValueError(f"it begins with {first[:60].decode('utf-8', 'replace')!r}")
        self.status = int(parts[1])
        self.headers: Dict[str, str] = {}
        for line in iter(self._wire.line, b""):
            name, _colon, value = line.decode("utf-8", "replace").partition(":")
            self.headers[name.strip().lower()] = value.strip()
        return parts[0]

    def some(self) -> bytes:
        """Take the next part of the body, b"" at its end."""
        if self._chunked and self._left == 0:
            if self._between:
                self._wire.line()
                self._between = False
            self._left = int(self._wire.line().split(b";")[0], 16)
            if self._left == 0:
                self._chunked = False
                while self._wire.line():
                    pass  # trailers
        if self._left is None:
            try:
                return self._wire.some(_LINE_LIMIT)
            except ConnectionResetError:
                return b""
        if self._left == 0:
            return b""
        data = self._wire.some(self._left)
        self._left -= len(data)
        self._between = self._chunked
        return data

    def read(self) -> Reply:
        """Read the whole body into `body`."""
        self.body = b"".join(iter(self.some, b""))
        return self

    def error(self, method: str, path: str) -> EngineError:
        """Return the error this answer is, in the daemon's own words."""
        text = self.body.decode("utf-8", "replace").strip()
        try:
            said = json.loads(text)["message"]
        except (ValueError, TypeError, KeyError):
            said = text[:500]
        text = str(said or f"the engine answered {self.status} to {method} {path}")
        return EngineError(text, status=self.status, method=method, path=path)

    def value(self, method: str, path: str) -> Any:
        """Return the JSON of a complete answer, None if empty; raise EngineError from 400 on."""
        if self.status >= 400:
            raise self.error(method, path)
        if self.body.strip() in (b"", b"OK"):  # Podman says OK to a connect and a disconnect
            return None
        try:
            return json.loads(self.body)
        except ValueError:
            seen = self.body[:60].decode("utf-8", "replace")
            text = f"the answer to {method} {path} is not JSON: it begins with {seen!r}"
            raise EngineError(text, status=self.status, method=method, path=path) from None
