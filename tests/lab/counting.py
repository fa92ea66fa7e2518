"""A forwarder on loopback that counts bytes, and can cut: before an ssh server, to see a wire."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Optional


class Counting:
    """Pass connections on to a port of loopback; `bytes` are those of both ways since reset().

    With `cut`, once so many bytes have gone to the server, all connections break, one time.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.up = self.down = 0
        self.cut: Optional[int] = None
        self.was_cut = False
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def bytes(self) -> int:
        """Return what has gone both ways."""
        return self.up + self.down

    def reset(self) -> None:
        """Begin to count anew."""
        self.up = self.down = 0

    def close(self) -> None:
        """End it with all connections."""
        self._listener.close()
        self._break()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near = self._listener.accept()[0]
                far = socket.create_connection(("127.0.0.1", self._target))
                with self._guard:
                    self._open |= {near, far}
                for pair, up in (((near, far), True), ((far, near), False)):
                    threading.Thread(target=self._pass, args=(*pair, up), daemon=True).start()

    def _pass(self, source: socket.socket, to: socket.socket, up: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._count(len(data), up)
                to.sendall(data)
        with contextlib.suppress(OSError):
            to.shutdown(socket.SHUT_WR)

    def _count(self, size: int, up: bool) -> None:
        with self._guard:
            if up:
                self.up += size
            else:
                self.down += size
            broken = up and self.cut is not None and self.up > self.cut
        if broken:
            self.cut, self.was_cut = None, True
            self._break()

    def _break(self) -> None:
        with self._guard:
            entries, self._open = self._open, set()
        for entry in entries:
            with contextlib.suppress(OSError):
                entry.shutdown(socket.SHUT_RDWR)
            entry.close()
