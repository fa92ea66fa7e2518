"""Run ansible-playbook, from the second time on by a process that has its code loaded already.

More than a second of processor time passes before ansible-playbook reads a playbook, nearly all
of it for imports; most playbooks of the tests need less than that. What Ansible takes from its
environment when it is imported (ansible.constants) stays true to each run: a process serves only
runs whose environment agrees in all of that.
"""

from __future__ import annotations

import atexit
import collections
import functools
import json
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path

SERVER = Path(__file__).with_name("playbook_server.py")
PROGRAM = str(Path(sys.executable).with_name("ansible-playbook"))
# An ansible.cfg without a setting, for plays that no setting of anybody may reach.
PLAIN = Path(__file__).with_name("plain.cfg")
# What ansible-core and Python read once.
_READ_ONCE = ("ANSIBLE_", "PYTHON", "LC_", "LANG", "PATH", "NO_COLOR")
_MOST = 3

_Key = tuple[tuple[str, str], ...]
_seen: collections.Counter[_Key] = collections.Counter()
_servers: collections.OrderedDict[_Key, _Server] = collections.OrderedDict()
_guard = threading.Lock()


@functools.cache
def home() -> str:
    """Return a folder for what Ansible keeps (ANSIBLE_HOME), of this process's plays."""
    folder = tempfile.mkdtemp(prefix="fleet-home-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def run_playbook(
    arguments: list[str], folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run ansible-playbook in a folder; return how it ended and what it printed, as text."""
    server = _server(folder, environment)
    if server is None:
        return subprocess.run(
            [PROGRAM, *arguments],
            cwd=folder,
            env=dict(environment),
            capture_output=True,
            text=True,
            check=False,
        )
    try:
        return server.run(arguments, folder, environment)
    finally:
        server.free.release()


def _server(folder: Path, environment: Mapping[str, str]) -> _Server | None:
    """Take the server of such runs; None at the first such run, and while another has it."""
    once = {n: v for n, v in environment.items() if n.startswith(_READ_ONCE)}
    if "ANSIBLE_HOME" not in once:
        once["HOME"] = environment.get("HOME", "")
    if "ANSIBLE_CONFIG" not in once:
        once["folder"] = str(folder)  # its ansible.cfg counts
    key = tuple(sorted(once.items()))
    with _guard:
        _seen[key] += 1
        if _seen[key] < 2:
            return None
        if key not in _servers:
            _servers[key] = _Server(folder, environment)
            idle = [old for old, server in _servers.items() if not server.free.locked()]
            for old in idle[: max(0, len(_servers) - _MOST)]:
                if old != key:
                    _servers.pop(old).close()
        _servers.move_to_end(key)
        server = _servers[key]
        return server if server.free.acquire(blocking=False) else None


class _Server:
    """A process with ansible-playbook loaded, which runs one playbook at a time in a fork."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.free = threading.Lock()
        self._link, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with far:
            # -P: the modules of this folder are not to be taken for anybody else's.
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(SERVER), str(far.fileno())],
                cwd=folder,
                env=dict(environment),
                pass_fds=[far.fileno()],
                stdin=subprocess.DEVNULL,
            )

    def run(
        self, arguments: list[str], folder: Path, environment: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Run one playbook; raise RuntimeError if the process has ended meanwhile."""
        asked = [[PROGRAM, *arguments], str(folder), dict(environment)]
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            socket.send_fds(self._link, [json.dumps(asked).encode()], [out.fileno(), err.fileno()])
            answer = self._link.recv(100)
            if not answer:
                raise RuntimeError(f"the process of ansible-playbook ended: {self._process.wait()}")
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(asked[0], int(answer), out.read(), err.read())

    def close(self) -> None:
        """End the process."""
        self._link.close()
        self._process.wait()
