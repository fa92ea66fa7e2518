# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of the Engine API that come bit by bit: JSON streams, events, framed logs."""

from __future__ import annotations

import codecs
import select
import socket
import time
from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    Iterator,
    Mapping,
    Optional,
    Tuple,
    Union,
)

from ..._desired.bounded_json import DECODER, DEPTH, Unusable, decode, is_deep
from .connection import Reply, Wire
from .errors import EngineError
from .failures import failure

_PIECE = 65536
_LONGEST = 8 << 20  # characters of one object
_GLANCE = 0.005  # seconds to take what has arrived


def _first(text: str) -> Optional[Tuple[Any, int]]:
    """Return the JSON value that a text begins with and where it ends, None if it is not whole."""
    try:
        value, end = DECODER.raw_decode(text)
    except RecursionError:
        raise Unusable(f"it is nested more than {DEPTH} deep") from None
    except Unusable:
        raise
    except ValueError:
        return None
    return decode(text[:end]) if is_deep(value) or "\\u" in text[:end] else value, end


class _Objects:
    """Cut text that arrives in pieces into JSON objects, separated by blanks or nothing."""

    def __init__(self) -> None:
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._text = ""
        self._ends = False  # whether an object may have come to its end

    def feed(self, data: bytes) -> None:
        self._text += self._utf8.decode(data)
        self._ends = self._ends or b"}" in data
        if len(self._text) > _LONGEST:
            raise ValueError("an object without end")

    def take(self) -> Optional[Dict[str, Any]]:
        """Return the next complete object; ValueError if what came is none."""
        self._text = self._text.lstrip()
        if self._text and not self._text.startswith("{"):
            raise ValueError(f"it goes on with {self._text[:60]!r}")
        message = _first(self._text) if self._ends else None
        if message is None:
            self._ends = False
            return None
        self._text = self._text[message[1] :]
        return dict(message[0])

    def finish(self) -> None:
        if self._text.strip():
            raise ValueError(f"it ends within {self._text[:60]!r}")


def objects(
    dial: Callable[[], Wire],
    method: str,
    path: str,
    start: Callable[[Mapping[str, str]], bytes],
    body: Union[bytes, Iterable[bytes], None],
    headers: Optional[Mapping[str, str]],
    idle: float,
) -> Iterator[Dict[str, Any]]:
    """Send one request on its own connection and yield the objects of its answer.

    `start` builds the head from header fields. See Client.stream for the contract.
    """
    wire = dial()
    try:
        wire.sock.settimeout(idle)
        send(wire, start, body, dict(headers or {}), idle)
        reply = Reply(wire, method)
        if reply.failed:
            raise reply.read().error(method, path)
        cut = _Objects()
        # Blanks between objects break no silence.
        wire.until(time.monotonic() + idle)
        for data in iter(reply.some, b""):
            cut.feed(data)
            for value in iter(cut.take, None):
                _refuse(value, method, path, reply.status)
                yield value
                wire.until(time.monotonic() + idle)
        cut.finish()
    except (OSError, ValueError) as exc:
        raise failure(exc, method, path, idle) from exc
    finally:
        wire.close()


def _refuse(value: Dict[str, Any], method: str, path: str, status: int) -> None:
    """Raise for an error that travels inside a successful answer (push, pull, build, load)."""
    detail = value.get("errorDetail")
    text = value.get("error") or (isinstance(detail, dict) and detail.get("message"))
    if text or detail:
        raise EngineError(str(text or detail), status=status, method=method, path=path)


def send(
    wire: Wire,
    start: Callable[[Mapping[str, str]], bytes],
    body: Union[bytes, Iterable[bytes], None],
    fields: Dict[str, str],
    idle: float,
) -> None:
    """Send one request; an iterable body in chunks, until the engine answers or hangs up."""
    if body is None or isinstance(body, bytes):
        data = body or b""
        wire.sock.sendall(start({**fields, "Content-Length": str(len(data))}))
        _push(wire.sock, [data], idle)
    else:
        wire.sock.sendall(start({**fields, "Transfer-Encoding": "chunked"}))
        _push(wire.sock, _chunks(body), idle)


def _chunks(body: Iterable[bytes]) -> Iterator[bytes]:
    for data in body:
        if data:
            yield b"%x\r\n%s\r\n" % (len(data), data)
    yield b"0\r\n\r\n"


def _push(sock: socket.socket, pieces: Iterable[bytes], idle: float) -> None:
    """Send until done or until the engine answers or hangs up, which the reader then finds."""
    poll = select.poll()
    poll.register(sock, select.POLLIN | select.POLLOUT)
    for piece in pieces:
        view = memoryview(piece)
        while view:
            ready = poll.poll(idle * 1000)
            if not ready:
                raise socket.timeout()
            if ready[0][1] & ~select.POLLOUT:
                return
            try:
                view = view[sock.send(view[:_PIECE]) :]
            except (BrokenPipeError, ConnectionResetError):
                return


class Events:
    """The engine's events from the moment the block is entered, on a connection of its own."""

    def __init__(self, dial: Callable[[], Wire], request: bytes, timeout: float) -> None:
        self._dial = dial
        self._request = request
        self._timeout = timeout
        self._cut = _Objects()

    def __enter__(self) -> Events:
        self._wire = self._dial()
        try:
            self._wire.sock.settimeout(self._timeout)
            self._wire.sock.sendall(self._request)
            self._reply = Reply(self._wire, "GET")
            if self._reply.failed:
                raise self._reply.read().error("GET", "/events")
        except (OSError, ValueError, EngineError) as exc:
            self._wire.close()
            raise failure(exc, "GET", "/events", self._timeout) from exc
        return self

    def next(self, timeout: float) -> Optional[Dict[str, Any]]:
        """Return the next event, None when none came within `timeout` seconds.

        Raise ConnectionLost when the engine ends the stream: it was stopped or restarted. What is
        no event, such as blanks that never cease, does not put off the end.
        """
        self._wire.until(time.monotonic() + max(timeout, _GLANCE))
        try:
            while True:
                event = self._cut.take()
                if event is not None:
                    return event
                try:
                    data = self._reply.some()
                except socket.timeout:
                    return None
                if not data:
                    raise ConnectionResetError("the engine ended the stream")
                self._cut.feed(data)
        except (OSError, ValueError) as exc:
            raise failure(exc, "GET", "/events", timeout) from exc

    def close(self) -> None:
        """End the subscription; harmless to repeat."""
        self._wire.close()

    def __exit__(self, *_exc: object) -> None:
        self.close()
