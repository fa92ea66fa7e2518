# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes into archives and out of them, on the machine where this runs; nothing is kept in memory.

The engine reads and writes archives of containers, stopped ones too. So a helper container is
made, of the smallest image there is, that mounts the volume and is never started. The helper of
a restore is removed when all is written: while it is there, the volume may be half full, and the
next run writes all of it again. A volume that is made for its archive says so in its record; a
container that mounts nothing is there from before its creation until the archive is in it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from typing import Any, Dict, Iterator, Optional

from ..._desired.errors import FleetError
from ..._desired.safe_files import words, written
from ..._desired.steps import Step
from ..._desired.work import Work
from ..client.container_archive import members
from ..client.engine import Client
from ..client.raw_stream import Raw
from .desired import Desired
from .helpers import ANEW, BACKUP, LOOK, RESTORE, drop_helper, find_helper, make_helper

_TARGET = "/volume"
_PIECE = 1 << 18


def digest_of(path: str) -> str:
    """Return a digest of an archive on this machine."""
    result = hashlib.sha256()
    for piece in _pieces(path, "restore"):
        result.update(piece)
    return result.hexdigest()


def backup(work: Work, step: Step) -> Optional[bool]:
    """Write the archive beside its path, then put it there; False if it is the same as before."""
    from ..._desired.progress import counted

    desired: Desired = work.desired
    result = hashlib.sha256()
    with _errors("backup"), written(desired.backup, private=True) as part:
        with _helper(work.client, desired, BACKUP) as container:
            query = {"path": f"{_TARGET}/."}
            with Raw(work.client, "GET", f"/containers/{container}/archive", query) as answer:
                for piece in counted(work.tell, answer.pieces(), "writing"):
                    result.update(piece)
                    part.write(piece)
        part.flush()
        if os.path.exists(desired.backup) and digest_of(desired.backup) == result.hexdigest():
            return False
        part.appear(0o600)
    return None


def restore_if_empty(work: Work, step: Step) -> Optional[bool]:
    """Restore into a volume that is there if it is empty; False if it is not."""
    with _helper(work.client, work.desired, LOOK) as container:
        names = (member.name for member, _body in members(work.client, container, f"{_TARGET}/."))
        if any(name.strip("./") for name in names):
            return False
    from .tar import check_whole

    check_whole(work.desired.restore)  # not in check mode: mostly the volume is not empty
    return restore(work, step)


def restore(work: Work, step: Step) -> Optional[bool]:
    """Write the archive into the volume; the helper goes when all is written."""
    from ..._desired.progress import counted
    from .tar import root_as

    desired: Desired = work.desired
    container = make_helper(work.client, RESTORE, desired.name, _mount(desired, False))
    with _errors("restore"):
        whole = os.path.getsize(desired.restore)
    pieces = _pieces(desired.restore, "restore")
    _put(work.client, container, _TARGET, counted(work.tell, pieces, "sending", whole))
    # What each engine does not leave alone: Docker a folder in its parent, Podman its second turn.
    path, name = (_TARGET, ".") if work.client.kind == "podman" else ("/", _TARGET[1:])
    root = root_as(desired.restore, name)
    if root:
        _put(work.client, container, path, iter([root]))
    drop_helper(work.client, container)
    anew = find_helper(work.client, ANEW, desired.name)
    if anew is not None:
        drop_helper(work.client, anew)
    return None


def _put(client: Client, container: str, path: str, pieces: Iterator[bytes]) -> None:
    where, kind = f"/containers/{container}/archive", "application/x-tar"
    with Raw(client, "PUT", where, {"path": path}, pieces, kind) as answer:
        answer.read()


def mark_incomplete(work: Work, step: Step) -> None:
    """Say that a volume is about to be made and filled."""
    make_helper(work.client, ANEW, work.desired.name)


def remove_helper(work: Work, step: Step) -> None:
    """Remove a helper that an interrupted run left."""
    drop_helper(work.client, step.args["id"])


@contextlib.contextmanager
def _helper(client: Client, desired: Desired, what: str) -> Iterator[str]:
    container = make_helper(client, what, desired.name, _mount(desired, True))
    try:
        yield container
    finally:
        drop_helper(client, container)


def _mount(desired: Desired, read_only: bool) -> Dict[str, Any]:
    return {
        "Type": "volume",
        "Source": desired.name,
        "Target": _TARGET,
        "ReadOnly": read_only,
        "VolumeOptions": {"NoCopy": True},
    }


def _pieces(path: str, option: str) -> Iterator[bytes]:
    with _errors(option), open(path, "rb") as file:
        yield from iter(lambda: file.read(_PIECE), b"")


@contextlib.contextmanager
def _errors(option: str) -> Iterator[None]:
    """Turn what this machine refuses into the one error family."""
    try:
        yield
    except OSError as exc:
        raise FleetError(words(exc), option=option) from exc
