# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A forward that outlives its task, for as long as the shared ssh connection does."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import stat
from typing import Iterator

from ..module_utils._engine.address import Address
from .channel_forward import LONGEST_LOCAL, Forward
from .channel_probe import Blocked, connect
from .channel_ssh import Ssh


class NotKept(Blocked):
    """A folder in which no socket can be left."""


class Kept(Forward):
    """A forward whose local socket stays, in a folder beside Ansible's control sockets.

    Its name stands for the ssh command and the engine's address, so that another task that would
    make the same one finds it. It ends with the shared connection, which an idle forward does not
    keep alive. `fresh` is False if it was found: then nobody has asked yet if an engine answers.
    """

    def __init__(self, ssh: Ssh, address: Address, timeout: float) -> None:
        self._home = _folder(os.path.join(ssh.control_folder(), "fleet"))
        words = b"\0".join([*ssh.argv(ssh.host), str(address).encode()])
        self._name = hashlib.sha256(words).hexdigest()[:12]
        self.fresh = False
        super().__init__(ssh, address, timeout)

    @property
    def _local(self) -> str:
        return os.path.join(self._home, self._name)

    def close(self) -> None:
        """Leave it to later tasks."""

    def forget(self) -> None:
        """Take it back, since nobody answers behind it."""
        with _locked(self._home):
            super().close()

    def _open(self) -> None:
        with _locked(self._home):
            self._folder = self._home
            if not self._stands():
                self.fresh = True
                self._clear()
                try:
                    super()._open()
                except BaseException:
                    super().close()
                    raise

    def _stands(self) -> bool:
        try:
            connect(self._local, self._timeout).close()
        except OSError:
            return False
        return True

    def _place(self) -> str:
        return self._home

    def _clear(self) -> None:
        # A master that still holds the forward would answer the next request for it with yes, and
        # do nothing.
        self._release()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._local)


def _folder(path: str) -> str:
    """Return the folder for kept sockets; raise NotKept for one that others may write to."""
    os.makedirs(path, mode=0o700, exist_ok=True)
    held = os.stat(path)
    if held.st_uid != os.geteuid() or stat.S_IMODE(held.st_mode) & 0o022:
        raise NotKept(f"others may write to {path}")
    if len(os.fsencode(path)) + 14 > LONGEST_LOCAL:
        raise NotKept(f"{path} is too long for a socket")
    return path


@contextlib.contextmanager
def _locked(folder: str) -> Iterator[None]:
    """Have one process at a time make or take back a forward."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def kept_or_own(ssh: Ssh, address: Address, timeout: float) -> Forward:
    """Return a kept forward, or one of this task where none can be kept."""
    try:
        return Kept(ssh, address, timeout)
    except NotKept:
        return Forward(ssh, address, timeout)
