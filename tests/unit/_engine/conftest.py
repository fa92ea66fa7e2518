"""A fake engine with one image, a client of it, and a server for answers no engine gives."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path
from typing import BinaryIO, Callable, Iterator, List

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)

from tests.lab.fake_engine import FakeEngine

PING = b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nServer: Docker/20.10.24 (linux)\r\n\r\n"


@pytest.fixture
def fake() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        engine.add_image("app:1", cmd=["serve"])
        yield engine


@pytest.fixture
def client(fake: FakeEngine) -> Iterator[Client]:
    with Client(unix_dial(fake.socket_path), timeout=5) as one:
        yield one


def head_of(reader: BinaryIO) -> List[bytes]:
    """Read the lines of a request's head; one empty line where the peer has gone.

    To go on reading after the end would keep a thread busy as long as the process lives.
    """
    return list(iter(lambda: reader.readline().rstrip(b"\r\n"), b"")) or [b""]


class Script:
    """Answers each request on a connection with the next piece of bytes; None closes instead."""

    def __init__(self, path: Path, *connections: List[object]) -> None:
        self.path = str(path)
        self.seen: List[bytes] = []
        self._connections = connections
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(self.path)
        self._listener.listen(8)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        for answers in self._connections:
            conn, _peer = self._listener.accept()
            with conn, conn.makefile("rb") as reader, contextlib.suppress(BrokenPipeError):
                for answer in answers:
                    self.seen.append(head_of(reader)[0])
                    if not isinstance(answer, bytes):
                        break
                    conn.sendall(answer)
        self._listener.close()


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., Script]:
    """Return a function that starts a Script: one list of answers for each connection."""
    return lambda *connections: Script(tmp_path / "s", *connections)


@pytest.fixture
def drip(tmp_path: Path) -> Iterator[Callable[[bytes, Iterator[bytes]], str]]:
    """Return a function that starts an engine which answers a ping, then something without end."""
    over = threading.Event()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(tmp_path / "s"))
    listener.listen(4)

    def talk(conn: socket.socket, start: bytes, rest: Iterator[bytes]) -> None:
        with contextlib.suppress(OSError), conn, conn.makefile("rb") as reader:
            head = head_of(reader)
            while b"/_ping" in head[0]:
                conn.sendall(PING)
                head = head_of(reader)
            conn.sendall(start)
            for piece in rest:
                conn.sendall(piece)
                if over.wait(0.02 if len(piece) < 100 else 0):
                    return

    def serve(start: bytes, rest: Iterator[bytes]) -> None:
        with contextlib.suppress(OSError):
            while True:
                given = (listener.accept()[0], start, rest)
                threading.Thread(target=talk, args=given, daemon=True).start()

    def begin(start: bytes, rest: Iterator[bytes]) -> str:
        threading.Thread(target=serve, args=(start, rest), daemon=True).start()
        return str(tmp_path / "s")

    yield begin
    over.set()
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)  # wakes who waits in accept()
    listener.close()


def forever(piece: bytes) -> Iterator[bytes]:
    while True:
        yield piece


@pytest.fixture
def web_engine() -> Iterator[FakeEngine]:
    """Give an engine with one running container `web`."""
    with FakeEngine() as engine:
        engine.add_image("app:1")
        with Client(unix_dial(engine.socket_path), 5) as client:
            client.post("/containers/create", {"name": "web"}, {"Image": "app:1"})
            client.post("/containers/web/start")
        engine.forget()
        yield engine
