"""A small HTTP/1.1 server on a unix socket: keep-alive, pipelining, chunks, streams, faults."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import tempfile
import threading
from typing import Any, BinaryIO, Dict, Iterator, List, Optional
from urllib.parse import parse_qs, unquote, urlsplit

from .faults import NO_SPACE, Call, Faults, gone, kill_peer


class Request:
    """One request; its body is read when first asked for."""

    def __init__(self, reader: BinaryIO, line: bytes) -> None:
        self._reader = reader
        self._body: Optional[bytes] = None
        self.line = line
        self.method, self.raw, _version = line.decode().split(None, 2)
        url = urlsplit(self.raw)
        path = unquote(url.path)
        self.api: Optional[str] = None
        if path.startswith("/v1."):
            self.api, _slash, rest = path[2:].partition("/")
            path = "/" + rest
        self.path = path
        self.query: Dict[str, Any] = {
            key: values[0] if len(values) == 1 else values
            for key, values in parse_qs(url.query, keep_blank_values=True).items()
        }
        self.head: List[bytes] = []
        self.headers: Dict[str, str] = {}
        for field in iter(lambda: reader.readline().rstrip(b"\r\n"), b""):
            self.head.append(field)
            name, _colon, value = field.decode().partition(":")
            self.headers[name.strip().lower()] = value.strip()
        self.chunked = "chunked" in self.headers.get("transfer-encoding", "")

    def pieces(self) -> Iterator[bytes]:
        """Yield the body as it arrives."""
        if not self.chunked:
            length = int(self.headers.get("content-length") or 0)
            if length:
                yield self._reader.read(length)
            return
        while True:
            size = int(self._reader.readline().split(b";")[0], 16)
            data = self._reader.read(size)
            self._reader.readline()
            if not size:
                return
            yield data

    def rest(self) -> bytes:
        """Read what is sent after the request, to its end: a command's standard input."""
        return self._reader.read()

    @property
    def body(self) -> bytes:
        if self._body is None:
            self._body = b"".join(self.pieces())
        return self._body

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body.strip() else {}

    def flag(self, name: str, default: bool = False) -> bool:
        """Read a boolean as the engine does."""
        value = str(self.query.get(name, "1" if default else "")).lower()
        return value not in ("", "0", "no", "false", "none")

    def filters(self) -> Dict[str, List[str]]:
        """Read `filters`, both its list form and its older map form."""
        raw = json.loads(self.query.get("filters") or "{}")
        return {key: list(values) for key, values in raw.items()}

    def call(self, read_body: bool = True) -> Call:
        data: Any = (self.body or None) if read_body else None
        if data and "json" in self.headers.get("content-type", "json"):
            with contextlib.suppress(ValueError):
                data = json.loads(data)
        return Call(self.method, self.path, self.query, data)


class Response:
    """An answer: `value` as JSON, or `body`, or `stream` (sent chunk by chunk, b"" only waits)."""

    def __init__(
        self,
        status: int = 200,
        value: Any = None,
        *,
        body: Optional[bytes] = None,
        stream: Optional[Iterator[bytes]] = None,
        headers: Optional[Dict[str, str]] = None,
        kind: str = "application/json",
        last: bool = False,
        raw: bool = False,
    ) -> None:
        self.status = status
        self.raw = raw  # a stream that the end of the connection ends, as a hijacked one
        self.last = last  # close the connection afterwards
        self.headers = {"Content-Type": kind, **(headers or {})}
        self.stream = stream
        self.body = body if body is not None else b""
        if value is not None:
            self.body = json.dumps(value).encode() + b"\n"

    def drain(self) -> None:
        """Do all of a streamed answer's work, then forget it."""
        for _piece in self.stream or ():
            pass
        self.end()

    def end(self) -> None:
        """Let a stream release what it holds."""
        close = getattr(self.stream, "close", None)
        if close:
            close()


def failed(status: int, text: str) -> Response:
    return Response(status, {"message": text})


class Server:
    """Answer requests on `socket_path` from entering the block until its end."""

    def __init__(self, counted: str = "writes", buffers: int = 0) -> None:
        self._buffers = buffers  # bytes that a connection's socket holds, 0 for as many as usual
        self.faults = Faults(counted)
        self.calls: List[Call] = []
        self.connections = 0  # that there have ever been
        self._open: List[socket.socket] = []
        self._closing = threading.Event()

    def answer(self, request: Request) -> Response:
        raise NotImplementedError

    @property
    def writes(self) -> List[Call]:
        """The recorded calls that are not reads."""
        return [call for call in self.calls if call.method not in ("GET", "HEAD")]

    def forget(self) -> None:
        """Empty the record and begin to count faults anew."""
        self.calls.clear()
        self.faults.reset()

    def __enter__(self) -> Any:
        self._folder = tempfile.mkdtemp(prefix="engine-")
        self.socket_path = f"{self._folder}/docker.sock"
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(self.socket_path)
        self._listener.listen(128)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._closing.set()
        self.faults.release()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.hang_up()
        shutil.rmtree(self._folder, ignore_errors=True)

    def hang_up(self) -> None:
        """Close all connections, as an engine that restarts does."""
        for conn in list(self._open):
            with contextlib.suppress(OSError):
                conn.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                conn, _peer = self._listener.accept()
            except OSError:
                return
            if self._buffers:
                conn.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._buffers)
            self._open.append(conn)
            self.connections += 1
            threading.Thread(target=self._connection, args=(conn,), daemon=True).start()

    def _connection(self, conn: socket.socket) -> None:
        reader = conn.makefile("rb")
        try:
            while self._one(conn, reader):
                pass
        except (OSError, ValueError):
            pass  # the other side hung up in the middle
        finally:
            self._open.remove(conn)
            reader.close()
            conn.close()

    def _one(self, conn: socket.socket, reader: BinaryIO) -> bool:
        """Serve one request; False ends the connection."""
        line = reader.readline()
        if not line.strip():
            return False
        request = Request(reader, line.strip())
        kind = self.faults.hit(request.method, request.path)
        before = {"500": "the daemon was told to fail", "nospace": NO_SPACE}.get(kind)
        if before and request.chunked:  # answered while the body is still being sent
            self.calls.append(request.call(read_body=False))
            return self._send(conn, request, Response(500, {"message": before}, last=True))
        # A proxy passes long bodies on as they come; it reads them itself.
        self.calls.append(request.call(read_body=not request.chunked or self.whole_bodies))
        if before:
            return self._send(conn, request, failed(500, before))
        if kind == "kill":
            kill_peer(conn)
        if kind in ("drop", "kill") or (kind == "stall" and not self.faults.stall(conn)):
            return False
        return self._finish(conn, request, kind)

    whole_bodies = True

    def _finish(self, conn: socket.socket, request: Request, kind: str) -> bool:
        response = self.answer(request)
        if kind.endswith("-after"):
            if not request.path.endswith(("/attach", "/events")):  # they do not end by themselves
                response.drain()
            if kind == "500-after":
                return self._send(conn, request, failed(500, "the daemon lost the answer"))
            if kind == "kill-after":
                kill_peer(conn)
            return False
        return self._send(conn, request, response)

    def _send(self, conn: socket.socket, request: Request, response: Response) -> bool:
        streamed = response.stream is not None or len(response.body) > 2048  # as Go's server
        lines = [f"HTTP/1.1 {response.status} Status"]
        lines += [f"{name}: {value}" for name, value in response.headers.items()]
        bare = request.method == "HEAD" or response.status in (204, 304)
        if response.last:
            lines.append("Connection: close")
        if not bare and not response.raw:
            size = f"Content-Length: {len(response.body)}"
            lines.append("Transfer-Encoding: chunked" if streamed else size)
        head = ("\r\n".join(lines) + "\r\n\r\n").encode()
        if bare or not streamed:
            conn.sendall(head + (b"" if bare else response.body))
            response.end()
            return not response.last
        conn.sendall(head)
        if response.raw:
            for piece in response.stream or ():
                conn.sendall(piece)
            return False
        return self._chunks(conn, response) and not response.last

    def _chunks(self, conn: socket.socket, response: Response) -> bool:
        try:
            for piece in response.stream or [response.body]:
                if piece:
                    conn.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
                elif gone(conn) or self._closing.is_set():
                    return False
        finally:
            response.end()
        conn.sendall(b"0\r\n\r\n")
        return True
