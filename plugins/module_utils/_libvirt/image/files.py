# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a base image in its pool's folder: temporary names, room, and what goes wrong.

While it is made, an image has temporary files `.dockyard-NAME-SHA12.TAG.part`, where TAG tells
which answer of the server the bytes belong to, or which step made the file.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
from typing import Iterator, Tuple

from ..._desired.errors import FleetError
from ..._desired.sizes import show_size
from ..client.abandoned import GivenUp

_FULL = (errno.ENOSPC, errno.EDQUOT)
_DENIED = (errno.EACCES, errno.EPERM, errno.EROFS)
# What no image takes of a pool: a twentieth, and at most so many bytes.
_SPARE_PART = 20
_SPARE = 1 << 30
# Machines never write into a base image, and QEMU's user has to read it.
_MODE = 0o444


class Unfetched(FleetError):
    """A download that brought nothing, or not all; what is there may be gone on with.

    `passing` says that another attempt may do better.
    """

    passing = False


def part(folder: str, stem: str, tag: str) -> str:
    """Return the path of a temporary file of the volume STEM.qcow2."""
    return os.path.join(folder, f".dockyard-{stem}.{tag}.part")


def parts(folder: str, name: str) -> Tuple[str, ...]:
    """Return the names of the temporary files of all versions of a base image, sorted.

    A folder that this user may not list has none to be seen.
    """
    form = re.compile(rf"\.dockyard-{re.escape(name)}-[0-9a-f]{{12}}\.[0-9a-z]+\.part")
    try:
        return tuple(sorted(entry for entry in os.listdir(folder) if form.fullmatch(entry)))
    except OSError:
        return ()


def belongs(entry: str, stem: str) -> bool:
    """Tell whether a temporary file's name is of the volume STEM.qcow2."""
    return entry.startswith(f".dockyard-{stem}.")


def remove_parts(folder: str, stem: str) -> None:
    """Remove the temporary files of the volume STEM.qcow2."""
    name = stem.rpartition("-")[0]
    for entry in parts(folder, name):
        if belongs(entry, stem):
            remove(os.path.join(folder, entry))


def remove(path: str) -> None:
    """Remove a file that may be gone already."""
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)


@contextlib.contextmanager
def making(folder: str, stem: str) -> Iterator[None]:
    """Hold the making of a volume: whatever fails leaves no temporary file behind.

    Only a download that was cut off, or a task that was given up, keeps what it has. OSErrors
    become FleetErrors.
    """
    try:
        yield
    except (Unfetched, GivenUp):
        raise
    except FleetError:
        remove_parts(folder, stem)
        raise
    except OSError as error:
        remove_parts(folder, stem)
        raise _explained(error, folder) from None


def _explained(error: OSError, folder: str) -> FleetError:
    if error.errno in _FULL:
        return full(folder)
    if error.errno in _DENIED:
        return FleetError(f"cannot write into {folder}: {error.strerror}", hint="use become: true")
    where = error.filename or folder
    return FleetError(f"{where}: {error.strerror or error}")


def full(folder: str, needed: int = 0) -> FleetError:
    """Return the error of a pool without room; `needed` in bytes, where it is known."""
    free = _free(folder)
    what = f"; {show_size(needed)} are needed, {show_size(free)} are free" if needed else ""
    if needed and needed <= free:
        what = f"; the last {show_size(free)} of it are left to the disks of machines"
    return FleetError(
        f"the pool's folder {folder} is full{what}", hint="free some space there and run again"
    )


def need_room(folder: str, size: int) -> None:
    """Raise FleetError if a folder has no room for `size` more bytes.

    Some of it stays free for the disks of running machines, which grow meanwhile.
    """
    if size > max(_free(folder) - _spare(folder), 0):
        raise full(folder, size)


def _free(folder: str) -> int:
    seen = os.statvfs(folder)
    return seen.f_bavail * seen.f_frsize


def _spare(folder: str) -> int:
    seen = os.statvfs(folder)
    return min(seen.f_blocks * seen.f_frsize // _SPARE_PART, _SPARE)


def create(path: str) -> int:
    """Open a new, empty temporary file that only this user may read; return its descriptor."""
    return os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)


def publish(ready: str, folder: str, stem: str) -> str:
    """Give a finished file its name, safe against a power failure; return its path."""
    target = os.path.join(folder, f"{stem}.qcow2")
    handle = os.open(ready, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fchmod(handle, _MODE)
        os.fsync(handle)
    finally:
        os.close(handle)
    os.rename(ready, target)
    above = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(above)
    finally:
        os.close(above)
    remove_parts(folder, stem)
    return target
