# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A unix socket on this machine behind which the engine is, whatever the way to it: for programs
that speak to an engine themselves.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import tempfile
import threading
from typing import Any, List

from ..._desired.threads import for_processes, start

_PIECE = 1 << 16


class Bridge:
    """Joins every connection to `address` with a new one of the client, inside the block.

    `folder` is its own, readable for this user only, and removed at the end.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._open: List[socket.socket] = []
        self._lock = threading.Lock()
        self._ended = False

    def __enter__(self) -> Bridge:
        # Not TMPDIR: a socket's path has 107 bytes at most.
        self.folder = tempfile.mkdtemp(prefix="fleet-", dir="/tmp")
        path = os.path.join(self.folder, "engine.sock")
        self.address = f"unix://{path}"
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(path)
        self._listener.listen(16)
        start(self._accept)
        return self

    def __exit__(self, *_exc: object) -> None:
        with self._lock:
            self._ended = True
            left = [self._listener, *self._open]
        for sock in left:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _accept(self) -> None:
        while True:
            try:
                near, _peer = self._listener.accept()
            except OSError:
                return
            start(self._join, near)

    def _join(self, near: socket.socket) -> None:
        try:
            with for_processes():  # ssh, on some ways to a host
                far = self._client.dial().sock
        except Exception:  # the program sees an engine that hangs up, and says so
            near.close()
            return
        far.settimeout(None)
        with self._lock:
            self._open += [near, far]
        if self._ended:
            near.close()
            far.close()
            return
        start(_pump, far, near)
        _pump(near, far)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Pass bytes on until the end, which is passed on as well: one side may go on."""
    with contextlib.suppress(OSError):
        for data in iter(lambda: source.recv(_PIECE), b""):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
