# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exclusion of other writers on one machine; death releases it.

A lock that another user could make or hold would let him hold our tasks, or have root write where
his links lead: so the folder is this user's own, and links are followed nowhere.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import stat
import sys
import tempfile
import time
from typing import Callable, Iterator, Optional

from .errors import FleetError

_WORDS = 200  # bytes of what the holder says of itself


def folder() -> str:
    """Return the folder of the lock files: the system's for root, the user's own otherwise."""
    if os.geteuid() == 0:
        return "/run/dockyard.fleet"  # not in /run/lock, where any user may make it before us
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime:
        return os.path.join(runtime, "dockyard.fleet")
    return os.path.join(tempfile.gettempdir(), f"dockyard.fleet-{os.geteuid()}")


def own_folder(path: str) -> int:
    """Return a handle of a folder that only this user can write to, which is made if need be.

    Raise FleetError for a link, and for one that others own or may write to.
    """
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        from .lock_wait import unfit

        raise unfit(path, error.strerror or str(error)) from error
    info = os.fstat(handle)
    if info.st_uid == os.geteuid() and not stat.S_IMODE(info.st_mode) & 0o022:
        return handle
    os.close(handle)
    from .lock_wait import unfit

    raise unfit(path, f"user {info.st_uid} owns it, its mode is {stat.S_IMODE(info.st_mode):04o}")


@contextlib.contextmanager
def lock(what: str, tell: Optional[Callable[[str], object]] = None) -> Iterator[None]:
    """Hold the lock of one engine or hypervisor, named by any text; wait until it is free.

    `tell` is given a sentence that says who has it, once that has taken a while. The wait is not
    bounded: what the other one does may rightly take hours. Raise FleetError if there can be no
    lock that is ours alone.
    """
    name = hashlib.sha256(what.encode("utf-8", "surrogateescape")).hexdigest()[:24]
    flags = os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
    place = own_folder(folder())
    try:
        handle = os.open(name, flags, 0o600, dir_fd=place)
    except OSError as error:
        path = os.path.join(folder(), name)
        raise FleetError(f"cannot open the lock {path}: {error.strerror}") from error
    finally:
        os.close(place)
    try:
        _take(handle, what, tell)
        yield
    finally:
        os.close(handle)


def _take(handle: int, what: str, tell: Optional[Callable[[str], object]]) -> None:
    if not free(handle):
        from .lock_wait import wait

        wait(handle, what, tell, free)
    program = os.path.basename(sys.argv[0] if sys.argv else "") or "python"
    # No arguments: they may hold secrets.
    output = f"process {os.getpid()} ({program}), since {time.strftime('%H:%M:%S')}"
    os.ftruncate(handle, 0)
    os.pwrite(handle, output.encode("utf-8", "replace")[:_WORDS], 0)


def free(handle: int) -> bool:
    """Take the lock if it is free."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
