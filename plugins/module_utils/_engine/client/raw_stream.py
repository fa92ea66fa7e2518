# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of the Engine API that are neither JSON nor short: archives, output, a command's streams.

Each has a connection of its own, since such an answer may end with the connection.
"""

from __future__ import annotations

import contextlib
import select
import socket
import time
from typing import Dict, Iterable, Iterator, List, Mapping, Optional, Tuple, Union

from ..._desired.errors import FleetError
from .connection import Reply
from .engine import Client, Query, head, target

_FRAME = 8  # stream number, three zero bytes, length (Engine API, "Attach to a container")
_PIECE = 65536
OUTPUT = 64 << 20  # bytes of output that a result may hold


class Raw:
    """One request whose answer is read bit by bit, from entering the block until its end.

    An iterable body is sent in chunks. `idle` (seconds) bounds each silence, else the client's
    timeout. Entering raises EngineError for an answer that is no success.
    """

    def __init__(
        self,
        client: Client,
        method: str,
        path: str,
        query: Optional[Query] = None,
        body: Union[bytes, Iterable[bytes], None] = None,
        kind: str = "",
        idle: float = 0,
    ) -> None:
        self._dial = client.dial
        self._method, self._path = method, path
        self._target = "/v{}.{}".format(*client.api) + target(path, query)
        self._body = body
        self._fields = {"Content-Type": kind} if kind else {}
        self._idle = idle or client.timeout

    def __enter__(self) -> Raw:
        self._wire = self._dial()
        try:
            self._wire.sock.settimeout(self._idle)
            self._send()
            self._reply = Reply(self._wire, self._method)
            if self._reply.failed:
                raise self._reply.read().error(self._method, self._path)
        except BaseException as exc:
            self._wire.close()
            if isinstance(exc, (OSError, ValueError)):
                from .failures import failure

                raise failure(exc, self._method, self._path, self._idle) from exc
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self._wire.close()

    def _send(self) -> None:
        body, fields = self._body, self._fields
        if isinstance(body, bytes) and len(body) <= _PIECE:
            self._wire.sock.sendall(self._head({**fields, "Content-Length": str(len(body))}) + body)
        else:  # loads more than a command with little input needs
            from .stream import send

            send(self._wire, self._head, body, dict(fields), self._idle)

    def _head(self, fields: Mapping[str, str]) -> bytes:
        return head(self._method, self._target, fields)

    def read(self) -> bytes:
        """Return the whole answer; EngineError for one beyond the bounds of Reply.read."""
        with self._as_engine_error():
            return self._reply.read().body

    def pieces(self) -> Iterator[bytes]:
        """Yield the answer as it comes; raise ConnectionLost if it is cut off."""
        with self._as_engine_error():
            yield from iter(self._reply.some, b"")

    @contextlib.contextmanager
    def _as_engine_error(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as exc:
            from .failures import failure

            raise failure(exc, self._method, self._path, self._idle) from exc

    def talk(self, text: Optional[bytes], deadline: Optional[float]) -> Iterator[bytes]:
        """Send `text` to a command, then its end, while its output is yielded.

        `deadline` is a moment of time.monotonic(), None for ever: socket.timeout when it has
        passed. The engine loses what is sent before its answer has begun (seen on 20.10).
        """
        sock, left = self._wire.sock, memoryview(text or b"")
        poll = select.poll()
        poll.register(sock, select.POLLIN | select.POLLOUT)
        try:
            while left:
                ready = poll.poll(None if deadline is None else _left(deadline) * 1000)
                if not ready:
                    raise socket.timeout
                if ready[0][1] & ~select.POLLOUT or not self._wire.quiet():
                    piece = self.hear(deadline)
                    if not piece:
                        return
                    yield piece
                elif ready[0][1] & select.POLLOUT:
                    left = left[sock.send(left[:_PIECE]) :]
            if text is not None:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_WR)
            yield from iter(lambda: self.hear(deadline), b"")
        except (BrokenPipeError, ConnectionResetError):
            return  # the command has ended, or its exit code tells that it goes on

    def say(self, data: bytes) -> None:
        """Send something to a command, which may expect more."""
        self._wire.sock.sendall(data)

    def hear(self, deadline: Optional[float]) -> bytes:
        """Return the next piece of a command's output, b"" at its end; see talk."""
        self._wire.until(deadline)
        return self._reply.some()


def _left(deadline: float) -> float:
    """Return the seconds left, more than none: zero would mean another thing to a socket."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise socket.timeout
    return left


class Frames:
    """Tell the two streams of an output apart, whose frames arrive in pieces of any size.

    A terminal's output has no frames: all of it is stdout. Parts of a frame are given out as they
    come. At most `room` bytes are kept, the heads of frames among them: FleetError for more, which
    no result could hold; None is for who takes what feed() returns, and keeps nothing.
    """

    def __init__(self, tty: bool, room: Optional[int] = OUTPUT) -> None:
        self._tty = tty
        self._rest = b""
        self._stream, self._left = 1, 0
        self._room = room
        self._kept = {1: bytearray(), 2: bytearray()}

    def feed(self, data: bytes) -> List[Tuple[int, bytes]]:
        """Take a piece; return what became complete as (stream, bytes), 1 stdout and 2 stderr."""
        result: List[Tuple[int, bytes]] = []
        arrived = len(data)
        if self._tty:
            result.append((1, data))
        else:
            data, at = self._rest + data, 0
            while self._left or len(data) - at >= _FRAME:
                if not self._left:
                    self._stream = 2 if data[at] == 2 else 1
                    self._left = int.from_bytes(data[at + 4 : at + _FRAME], "big")
                    at += _FRAME
                piece = data[at : at + self._left]
                if self._left and not piece:
                    break
                result += [(self._stream, piece)] if piece else []
                at += len(piece)
                self._left -= len(piece)
            self._rest = data[at:]
        if self._room is not None:
            self._room -= arrived  # empty frames as well: they may never cease
            if self._room < 0:
                text = f"wrote more than {OUTPUT >> 20} MiB, which is too much for a result"
                raise FleetError(text, hint="write it to a file, or read less of it")
            for stream, piece in result:
                self._kept[stream] += piece
        return result

    def drop(self) -> None:
        """Keep no longer what was kept; it counts all the same."""
        for kept in self._kept.values():
            kept.clear()

    def texts(self) -> Dict[int, str]:
        """Return all that was kept, by stream."""
        return {number: kept.decode("utf-8", "replace") for number, kept in self._kept.items()}


def exit_code(client: Client, ident: str, container: str, deadline: Optional[float]) -> int:
    """Return a command's exit code; it may have closed its output before it ends."""

    def look() -> Optional[int]:
        seen = client.get(f"/exec/{ident}/json")
        return None if seen.get("Running") else int(seen.get("ExitCode") or 0)

    code = look()
    if code is not None:
        return code
    from .events import until_ended

    return until_ended(client, look, {"container": [container], "event": ["exec_die"]}, deadline)
