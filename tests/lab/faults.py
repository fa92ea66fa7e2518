"""Faults at the n-th request, and the record of requests, for the fake engine and the proxy."""

from __future__ import annotations

import os
import signal
import socket
import struct
import threading
from typing import Any, Dict, List, NamedTuple, Optional

KINDS = (
    "500",
    "500-after",
    "drop",
    "drop-after",
    "stall",
    "kill",
    "kill-after",
    "nospace",
)
NO_SPACE = "write /var/lib/docker/tmp/GetImageBlob1: no space left on device"


class Call(NamedTuple):
    """One request without its version prefix; `body` is JSON when it was, else bytes or None."""

    method: str
    path: str
    query: Dict[str, Any]
    body: Any


class Faults:
    """Which counted request goes wrong, and how (KINDS).

    Counted since reset(): writes (all but GET and HEAD), or every request when `counted="all"`.
    """

    def __init__(self, counted: str = "writes") -> None:
        self._lock = threading.Lock()
        self._released = threading.Event()
        self.counted = counted
        self.reset()

    def reset(self, counted: Optional[str] = None) -> None:
        """Forget planned faults and begin to count anew."""
        if counted is not None and counted not in ("writes", "all"):
            raise ValueError(f"counted is 'writes' or 'all', not {counted!r}")
        self.release()
        with self._lock:
            self.counted = counted or self.counted
            self.count = 0
            self.hits: List[str] = []
            self._planned: Dict[int, str] = {}
            self._released = threading.Event()

    def at(self, n: int, kind: str) -> None:
        """Let the n-th counted request (from 1) go wrong."""
        if kind not in KINDS or n < 1:
            raise ValueError(f"no fault {kind!r} at {n}")
        self._planned[n] = kind

    def release(self) -> None:
        """Let stalled requests go on."""
        self._released.set()

    def hit(self, method: str, path: str) -> str:
        """Count one request; return its fault, "" for none."""
        with self._lock:
            if self.counted == "writes" and method in ("GET", "HEAD"):
                return ""
            self.count += 1
            kind = self._planned.get(self.count, "")
            if kind:
                self.hits.append(f"{self.count} {kind} {method} {path}")
            return kind

    def stall(self, conn: socket.socket) -> bool:
        """Wait until released (True) or until the other side hangs up (False)."""
        released = self._released
        while not released.wait(0.01) and not gone(conn):
            pass
        # Who hung up just before a release must not find later that the request went on.
        return not gone(conn)


def gone(conn: socket.socket) -> bool:
    """Say if the other side closed its end."""
    try:
        return conn.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def kill_peer(conn: socket.socket) -> None:
    """Send SIGKILL to the process at the other end of a unix socket; never to this one."""
    cred = conn.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid = struct.unpack("3i", cred)[0]
    if pid in (0, os.getpid()):
        raise RuntimeError("a kill fault needs the client in a process of its own")
    os.kill(pid, signal.SIGKILL)
