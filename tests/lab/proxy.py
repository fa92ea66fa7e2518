"""A proxy before a real engine with the fake's faults and record: `with Proxy() as proxy`."""

from __future__ import annotations

import socket
from typing import Iterator

from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.connection import (
    Reply,
    Wire,
)

from .serving import Request, Response, Server

_HOP = ("connection", "transfer-encoding", "content-length", "content-type")
_LOOK = 0.05  # seconds between two looks at whether the client is still there


class Proxy(Server):
    """Pass requests to the engine at `target`, one by one, and answers back as they come.

    A client's connection is kept; the one to the engine is new for each request, so that a fault
    on one side never shows on the other. Chunked request bodies are passed on as they arrive and
    not recorded.
    """

    whole_bodies = False

    def __init__(self, target: str = "/var/run/docker.sock", counted: str = "writes") -> None:
        super().__init__(counted)
        self.target = target

    def answer(self, request: Request) -> Response:
        engine = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            engine.connect(self.target)
            whole = _pass_on(engine, request)
            reply = Reply(Wire(engine), request.method)
        except OSError:
            engine.close()
            raise
        headers = {name: value for name, value in reply.headers.items() if name not in _HOP}
        kind = reply.headers.get("content-type", "text/plain")
        stream = _follow(engine, reply)
        return Response(reply.status, stream=stream, headers=headers, kind=kind, last=not whole)


def _pass_on(engine: socket.socket, request: Request) -> bool:
    """Send a request; False when the engine hung up before it was all sent."""
    fields = [f for f in request.head if not f.lower().startswith(b"connection:")]
    start = b"\r\n".join([request.line, *fields, b"Connection: close", b"", b""])
    engine.sendall(start if request.chunked else start + request.body)
    if not request.chunked:
        return True
    try:
        for piece in request.pieces():
            engine.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        engine.sendall(b"0\r\n\r\n")
    except (BrokenPipeError, ConnectionResetError):
        return False
    return True


def _follow(engine: socket.socket, reply: Reply) -> Iterator[bytes]:
    engine.settimeout(_LOOK)
    try:
        while True:
            try:
                data = reply.some()
            except socket.timeout:
                yield b""
                continue
            if not data:
                return
            yield data
    finally:
        engine.close()
