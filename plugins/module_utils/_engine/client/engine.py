# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Engine API over any stream socket: HTTP/1.1 of our own, since importing http.client costs
48 ms on a target. What only streams, events and logs need is in stream.py, imported late.
"""

from __future__ import annotations

import json
import socket
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    Mapping,
    Optional,
    Sequence,
    Tuple,
    Union,
)

from ..._desired.errors import InvalidOption
from .connection import Reply, Wire
from .errors import EngineError

if TYPE_CHECKING:
    from .stream import Events

Dial = Callable[[], socket.socket]
Query = Mapping[str, Any]

MIN_API = (1, 40)
MAX_API = (1, 51)
_SAFE = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/:@")
# Bytes of requests in flight, and so how many answers may wait for us to take them.
_PIPELINE = 16384


def unix_dial(path: str, timeout: float = 10.0) -> Dial:
    """Return a dial for the engine's unix socket at `path` on this machine."""

    def dial() -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(timeout)
        try:
            sock.connect(path)
        except OSError as exc:
            sock.close()
            exc.filename = path
            raise
        return sock

    return dial


def quote(text: str) -> str:
    """Percent-encode all but the unreserved characters of RFC 3986 and `/:@`."""
    return "".join(chr(b) if b in _SAFE else f"%{b:02X}" for b in text.encode("utf-8"))


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, (Mapping, list)):
        return json.dumps(value, separators=(",", ":"))
    return str(value)


def fits(path: str) -> bool:
    """Tell whether a path means the same to an engine, which cleans paths and then redirects."""
    return path.isprintable() and not {"", ".", ".."}.intersection(path[1:].split("/"))


def target(path: str, query: Optional[Query] = None) -> str:
    """Build a request target; None values are left out, a tuple repeats its key (build's `t`).

    Raise InvalidOption for a path that an engine would take for another one.
    """
    pairs = []
    if not fits(path):
        raise InvalidOption(f"nothing on an engine can have the name in {ascii(path)[:200]}")
    for key, value in (query or {}).items():
        for entry in value if isinstance(value, tuple) else (value,):
            if entry is not None:
                pairs.append(f"{key}={quote(_value(entry))}")
    return quote(path) + ("?" + "&".join(pairs) if pairs else "")


def head(method: str, where: str, fields: Optional[Mapping[str, Any]] = None) -> bytes:
    """Build a request's head; a field with a line break is refused (ValueError)."""
    lines = [f"{method} {where} HTTP/1.1", "Host: engine"]
    lines += [f"{name}: {value}" for name, value in (fields or {}).items()]
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a header field holds a line break")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")


class Client:
    """The engine behind `dial`: one kept connection, used by one thread at a time.

    Reads on a kept connection that turns out dead are repeated once on a new one; a mutation is
    never sent twice. Raise EngineMissing when dialling fails, EngineError for what the engine
    refuses, ConnectionLost when the outcome is unknown. `timeout` (seconds) bounds each wait for
    the engine to send something, and five times that (connection.py) a whole answer.
    """

    # The `Progress` that steps are shown by (_desired/progress.py), where somebody can see them.
    progress: Any = None
    # How many connections more there may be than those of workers, for steps that only wait.
    watchers = 16

    def __init__(self, dial: Dial, timeout: float = 60.0) -> None:
        self._dial = dial
        self.timeout = timeout
        self._wire: Optional[Wire] = None
        self._api: Optional[Tuple[int, int]] = None
        self._kind = ""
        self._server = ""

    # -- what the engine is ---------------------------------------------------------------

    @property
    def api(self) -> Tuple[int, int]:
        """The API version used: the lower of the engine's and MAX_API."""
        if self._api is None:
            self._learn(self._reads([("HEAD", "/_ping", "/_ping")])[0])
        return self._api or MIN_API

    @property
    def kind(self) -> str:
        """`docker`, `windows` (Docker for containers of Windows) or `podman`."""
        return self.api and self._kind

    @property
    def server(self) -> str:
        """The engine's name and version as it gives them: `Docker/20.10.24`."""
        return self.api and self._server

    def _learn(self, reply: Reply) -> Tuple[int, int]:
        if reply.failed:
            raise reply.error("HEAD", "/_ping")
        try:
            major, minor = reply.headers.get("api-version", "").split(".")
            version = (int(major), int(minor))
        except ValueError:
            version = (0, 0)
        self._server = reply.headers.get("server", "").split(" ")[0]
        if version < MIN_API:
            from .failures import too_old

            raise too_old(self._server, version)
        windows = reply.headers.get("ostype") == "windows"
        docker = "windows" if windows else "docker"
        self._kind = "podman" if "libpod-api-version" in reply.headers else docker
        self._api = min(version, MAX_API)
        return version

    def _versioned(self, path: str, query: Optional[Query]) -> str:
        major, minor = self.api
        return f"/v{major}.{minor}" + target(path, query)

    # -- reads ----------------------------------------------------------------------------

    def get(self, path: str, query: Optional[Query] = None) -> Any:
        """Return the JSON at `path`."""
        return self.fetch(path, query).value("GET", path)

    def fetch(self, path: str, query: Optional[Query] = None, method: str = "GET") -> Reply:
        """Return the complete answer to a GET or HEAD, whatever its status and type."""
        return self._reads([(method, path, self._versioned(path, query))])[0]

    def get_all(self, requests: Sequence[Tuple[str, Optional[Query]]]) -> List[Any]:
        """Return the JSON of each request, sent in one go; an EngineError stands for a refusal.

        On a connection whose version is not known yet the ping travels in front of unversioned
        requests: they mean the engine's own version, so their answers count only if that one
        is not newer than MAX_API.
        """
        if not requests:
            return []
        asked = []
        for path, query in requests:
            where = target(path, query) if self._api is None else self._versioned(path, query)
            asked.append(("GET", path, where))
        if self._api is None:
            first, *replies = self._reads([("HEAD", "/_ping", "/_ping"), *asked])
            if self._learn(first) > MAX_API:
                return self.get_all(requests)
        else:
            replies = self._reads(asked)
        return [_value_or_error(r, path) for r, (_get, path, _t) in zip(replies, asked)]

    def _reads(self, asked: List[Tuple[str, str, str]]) -> List[Reply]:
        """Answer (method, path, target) reads in order over as few connections as possible."""
        replies: List[Reply] = []
        while len(replies) < len(asked):
            begun = len(replies)
            wire, fresh = self._take()
            try:
                keep = _pipeline(wire, asked[begun:], replies, self.timeout)
            except (OSError, ValueError) as exc:
                wire.close()
                moved = len(replies) > begun or not fresh
                if isinstance(exc, (socket.timeout, ValueError)) or not moved:
                    from .failures import failure

                    method, path, _target = asked[len(replies)]
                    raise failure(exc, method, path, self.timeout) from exc
            else:
                self._put_away(wire, keep)
        return replies

    # -- mutations ------------------------------------------------------------------------

    def post(
        self,
        path: str,
        query: Optional[Query] = None,
        body: Any = None,
        timeout: Optional[float] = None,
    ) -> Any:
        """Return the JSON of the answer to a POST of `body` as JSON, None when it is empty."""
        data = b"" if body is None else json.dumps(body).encode("utf-8")
        kind = "" if body is None else "application/json"
        return self._mutate("POST", path, query, data, kind, timeout)

    def put(
        self,
        path: str,
        query: Optional[Query] = None,
        body: bytes = b"",
        content_type: str = "application/x-tar",
    ) -> Any:
        """Send `body` with PUT; return as post()."""
        return self._mutate("PUT", path, query, body, content_type, None)

    def delete(
        self, path: str, query: Optional[Query] = None, timeout: Optional[float] = None
    ) -> Any:
        """Send a DELETE; return as post()."""
        return self._mutate("DELETE", path, query, b"", "", timeout)

    def discard(self, path: str, query: Optional[Query] = None) -> bool:
        """Send a DELETE for what is to be gone; return False if it was gone already."""
        try:
            self.delete(path, query)
        except EngineError as error:
            if error.status != 404:
                raise
            return False
        return True

    def _mutate(
        self,
        method: str,
        path: str,
        query: Optional[Query],
        body: bytes,
        kind: str,
        timeout: Optional[float],
    ) -> Any:
        fields = {"Content-Length": str(len(body))}
        if kind:
            fields["Content-Type"] = kind
        start = head(method, self._versioned(path, query), fields)
        patience = self.timeout if timeout is None else timeout
        wire, _fresh = self._take()
        try:
            wire.sock.settimeout(patience)
            wire.send(start + body)
            reply = Reply(wire, method).read()
        except (OSError, ValueError) as exc:
            from .failures import failure

            wire.close()
            raise failure(exc, method, path, patience) from exc
        self._put_away(wire, reply.keep)
        return reply.value(method, path)

    # -- streams (stream.py) --------------------------------------------------------------

    def stream(
        self,
        method: str,
        path: str,
        query: Optional[Query] = None,
        body: Union[bytes, Iterable[bytes], None] = None,
        headers: Optional[Mapping[str, str]] = None,
        idle: float = 300,
    ) -> Iterator[Dict[str, Any]]:
        """Yield the JSON objects of a streamed answer, on a connection of its own.

        The request is sent when iteration begins. An iterable body is sent in chunks, until the
        engine answers. An error inside the stream raises EngineError with status 200. `idle`
        (seconds) bounds each silence.
        """
        from .stream import objects

        where = self._versioned(path, query)

        def start(fields: Mapping[str, str]) -> bytes:
            return head(method, where, fields)

        return objects(self.dial, method, path, start, body, headers, idle)

    def events(self, filters: Mapping[str, List[str]]) -> Events:
        """Return a context manager that has subscribed to events when it is entered."""
        from .stream import Events

        where = self._versioned("/events", {"filters": filters})
        return Events(self.dial, head("GET", where), self.timeout)

    # -- connections ----------------------------------------------------------------------

    def dial(self) -> Wire:
        """Open one more connection; EngineMissing says why there is none."""
        try:
            return Wire(self._dial())
        except OSError as exc:
            from .failures import missing

            raise missing(exc) from exc

    def _take(self) -> Tuple[Wire, bool]:
        """Take the kept connection, or a new one (True).

        It is given back after a whole answer only: what interrupts a request, a signal
        included, can never leave half an answer for the next one.
        """
        wire, self._wire = self._wire, None
        if wire is not None:
            if wire.quiet():
                return wire, False
            wire.close()
        return self.dial(), True

    def _put_away(self, wire: Wire, keep: bool) -> None:
        if keep:
            self._wire = wire
        else:
            wire.close()

    def worker(self) -> Client:
        """Return a client of the same engine and version with a connection of its own."""
        other = Client(self._dial, self.timeout)
        other._api, other._kind, other._server = self.api, self._kind, self._server
        return other

    def close(self) -> None:
        """Close the kept connection; the client stays usable."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


def _pipeline(
    wire: Wire, asked: List[Tuple[str, str, str]], replies: List[Reply], timeout: float
) -> bool:
    """Send reads ahead and collect answers; False when the engine ended the connection."""
    wire.sock.settimeout(timeout)
    heads = [head(method, where) for method, _path, where in asked]
    sent = flying = 0
    for done, (method, _path, _where) in enumerate(asked):
        batch = b""
        while sent < len(heads) and (sent == done or flying + len(heads[sent]) <= _PIPELINE):
            batch += heads[sent]
            flying += len(heads[sent])
            sent += 1
        if batch:
            wire.send(batch)
        replies.append(Reply(wire, method).read())
        flying -= len(heads[done])
        if not replies[-1].keep:
            return False
    return True


def _value_or_error(reply: Reply, path: str) -> Any:
    try:
        return reply.value("GET", path)
    except EngineError as exc:
        return exc
