# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reach an engine's socket or port, as the host sees it, through a socket that ssh forwards."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from typing import List, Optional

from ansible import constants as C

from ...module_utils._engine.client.address import TCP, Address
from ...module_utils._engine.client.options import DEFAULT_SOCKET
from ...module_utils._engine.client.tcp import securer
from .probe import LONGEST, Blocked, connect, demand_socket, ping, stalled_engine
from .ssh import OURS, Ssh, last_line

# sun_path minus what ssh might append; a longer path makes ssh or connect(2) fail late.
LONGEST_LOCAL = 100
READY = "dockyard-fleet-forward"
# Its own connection: neither through nor as the shared one, and nothing else forwarded.
CHILD = (
    *OURS,
    *("-o", "ControlMaster=no", "-o", "ControlPath=none", "-o", "ClearAllForwardings=no"),
    *("-o", "ExitOnForwardFailure=yes"),
)


class NoSharedConnection(Blocked):
    """Ansible's ssh is set not to share connections, so there is nothing to forward through."""


class Forward:
    """A forward of one task through Ansible's shared ssh connection.

    The local socket lies in a folder of its own (mode 0700) in Ansible's temporary folder, which
    the parent process removes even if this one is killed.
    """

    def __init__(self, ssh: Ssh, address: Address, timeout: float) -> None:
        self._ssh = ssh
        self._wanted = address.path
        usual = address.scheme != TCP and not address.path
        self.address = address._replace(path=DEFAULT_SOCKET) if usual else address
        self._timeout = timeout
        self._secure = securer(address, timeout)
        self._lock = threading.Lock()
        self._folder = ""
        self._open()

    def dial(self) -> socket.socket:
        """Return a new stream; open the forward again if the shared connection died meanwhile."""
        tried = self._folder
        try:
            return self._dial()
        except (ConnectionRefusedError, FileNotFoundError):
            with self._lock:
                if self._folder == tried:  # no other thread has done it
                    self.close()
                    self._ssh.probe(self._wanted, again=True)
                    self._open()
            return self._dial()

    def _dial(self) -> socket.socket:
        return self._secure(connect(self._local, self._timeout))

    def close(self) -> None:
        """Take the forward back and remove its folder; do nothing the second time."""
        if self._folder:
            self._release()
            self._clear()
            self._folder = ""

    def _place(self) -> str:
        """Return a folder for the local socket."""
        return local_folder()

    def _clear(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _local(self) -> str:
        return os.path.join(self._folder, "s")

    @property
    def _words(self) -> List[str]:
        far = _forward_word(self.address.path)
        if self.address.scheme == TCP:
            far = f"[{self.address.host}]:{self.address.port}"
        return ["-L", f"{_forward_word(self._local)}:{far}"]

    def _open(self) -> None:
        self._folder = self._place()
        try:
            self._establish()
            if not self._proven():
                self._prove_other()
        except BaseException:
            self.close()
            raise

    def _establish(self) -> None:
        if self._ssh.control("forward", *self._words):
            return
        self._look()
        if not self._ssh.control("forward", *self._words):
            raise NoSharedConnection(
                "forward: Ansible's ssh does not share its connection (ControlPersist is off)"
            )

    def _look(self) -> None:
        """Have the probe's answer, which starts the shared connection; go by the socket it saw."""
        probe = self._ssh.probe(self._wanted)
        if self.address.scheme != TCP:
            demand_socket(probe, self._ssh.host)
            self.address = self.address._replace(path=probe.path)

    def _prove_other(self) -> None:
        """Forward to the socket that the probe saw in place of Docker's, where none was named."""
        tried = self.address
        self._look()
        if self.address != tried:
            proven, self.address = self.address, tried
            self._release()
            self.address = proven
            self._clear()
            self._folder = self._place()
            self._establish()
            if self._proven():
                return
        kind = "to ports" if self.address.scheme == TCP else "to sockets"
        raise Blocked(
            f"forward: the ssh server of {self._ssh.host} does not forward {kind}, "
            f"or nothing listens on {self.address}"
        )

    def _release(self) -> None:
        # Without its private names the forward ends with the shared connection.
        with contextlib.suppress(Blocked):
            self._ssh.control("cancel", *self._words)

    def _proven(self) -> bool:
        """Tell if it answers; a missing right, socket or leave to forward all look alike."""
        try:
            with self._dial() as stream:
                ping(stream, self._timeout)
        except socket.timeout as error:
            raise stalled_engine(str(self.address), self._ssh.host, self._timeout) from error
        except OSError:
            return False
        return True


class Child(Forward):
    """The same over an ssh connection of our own, where Ansible does not share its own."""

    def __init__(self, ssh: Ssh, address: Address, timeout: float) -> None:
        self._process: Optional[subprocess.Popen[bytes]] = None
        if ssh.has_password:
            raise Blocked("child: a separate connection cannot pass the ssh password")
        super().__init__(ssh, address, timeout)

    def _establish(self) -> None:
        # The command ends when its input does, so nothing is left however this process dies;
        # it says when the forward stands, because ssh binds before it runs the command.
        command = self._ssh.argv(
            *self._words, self._ssh.host, f"echo {READY} && exec cat >/dev/null", options=CHILD
        )
        with tempfile.TemporaryFile(dir=C.DEFAULT_LOCAL_TMP) as errors:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors
            )
            if _says_ready(self._process, time.monotonic() + self._timeout):
                return
            errors.seek(0)
            text = errors.read().decode(errors="replace")
        raise Blocked(f"child: no ssh connection to {self._ssh.host}: {last_line(text)}")

    def _release(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(2)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def _says_ready(process: subprocess.Popen[bytes], deadline: float) -> bool:
    """Wait for the line READY among what a login shell may print; False at the end or deadline."""
    if process.stdout is None:
        return False
    descriptor, seen = process.stdout.fileno(), b""
    while READY.encode() + b"\n" not in seen:
        left = deadline - time.monotonic()
        if left <= 0 or len(seen) > LONGEST or not select.select([descriptor], [], [], left)[0]:
            return False
        chunk = os.read(descriptor, 4096)
        if not chunk:
            return False
        seen += chunk
    return True


def local_folder() -> str:
    """Make a folder for one local socket `s`; raise Blocked if its path would be too long."""
    folder = tempfile.mkdtemp(prefix="c", dir=C.DEFAULT_LOCAL_TMP)
    if len(os.fsencode(folder)) + 2 > LONGEST_LOCAL:
        os.rmdir(folder)
        raise Blocked(f"forward: Ansible's local_tmp is too long for a socket ({folder})")
    return folder


def _forward_word(path: str) -> str:
    """Write a path for `ssh -L`: backslash and colon are escaped, `%` starts a token (ssh(1))."""
    return path.replace("\\", "\\\\").replace(":", "\\:").replace("%", "%%")
