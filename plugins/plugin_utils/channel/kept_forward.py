# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A forward that outlives its task, for as long as the shared ssh connection does."""

from __future__ import annotations

import contextlib
import os
from typing import Iterator

from ...module_utils._desired.errors import FleetError
from ...module_utils._desired.lock import lock, own_folder
from ...module_utils._engine.client.address import Address
from .forward import LONGEST_LOCAL, Forward
from .probe import Blocked
from .ssh import Ssh


class NotKept(Blocked):
    """A folder in which no socket can be left."""


class Kept(Forward):
    """A forward whose local socket stays, in a folder beside Ansible's control sockets.

    `place` stands for all that decides where it leads to, so that another task that would make the
    same one finds it. It ends with the shared connection, which an idle forward does not
    keep alive.
    """

    def __init__(self, place: str, ssh: Ssh, address: Address, timeout: float) -> None:
        self._home, self._name = os.path.split(place)
        _check(self._home, place)
        super().__init__(ssh, address, timeout)

    @property
    def _local(self) -> str:
        return os.path.join(self._home, self._name)

    def close(self) -> None:
        """Leave it to later tasks."""

    def _open(self) -> None:
        with _locked(self._local):
            self._folder = self._home
            if not self._proven():
                self._clear()
                try:
                    super()._open()
                except BaseException:
                    super().close()
                    raise

    def _place(self) -> str:
        return self._home

    def _clear(self) -> None:
        # A master that still holds the forward would answer the next request for it with yes, and
        # do nothing.
        self._release()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._local)


def _check(folder: str, place: str) -> None:
    """Make the folder for kept sockets; raise NotKept for one that others may write to."""
    try:
        os.close(own_folder(folder))
    except FleetError as error:
        raise NotKept(str(error)) from error
    if len(os.fsencode(place)) > LONGEST_LOCAL:
        raise NotKept(f"{place} is too long for a socket")


@contextlib.contextmanager
def _locked(place: str) -> Iterator[None]:
    """Let one process at a time create or remove this forward; others may be made meanwhile."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(lock(f"forward {place}"))
        except FleetError as error:
            raise NotKept(str(error)) from error
        yield


def kept_or_own(place: str, ssh: Ssh, address: Address, timeout: float) -> Forward:
    """Return a kept forward, or one of this task where none can be kept."""
    try:
        return Kept(place, ssh, address, timeout)
    except NotKept:
        return Forward(ssh, address, timeout)
