# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files into and out of a container: by its own `cat`, or by archives where it has none."""

from __future__ import annotations

import contextlib
import mmap
import os
import posixpath
import shlex
import tarfile
from typing import Any, Iterator, List

from ...module_utils._desired.errors import FleetError
from ...module_utils._desired.safe_files import Part, mode_of, written
from ...module_utils._engine.client.container_archive import members
from ...module_utils._engine.client.container_archive import put as put_archive
from .engine import Link
from .exec import NOT_RUN, Done, execute

_PIECE = 1 << 20


def put(link: Link, source: str, target: str) -> None:
    """Write a file of this machine into the container, as its user.

    An archive would go past what is mounted at run time, such as a tmpfs, and be root's; it is
    for containers without a shell.
    """
    with open(source, "rb") as file:
        done = execute(link, _cat(f"cat > {shlex.quote(target)}"), _content(file))
        if done.status in NOT_RUN:
            size = os.fstat(file.fileno()).st_size
            folder, name = posixpath.split(target)
            file.seek(0)
            archive = _archive(file, name, size, link)
            where = folder or "/"
            link.ask(lambda client: put_archive(client, link.container_id(client), where, archive))
        elif done.status:
            raise FleetError(f"{link.address}: cannot write {target}: {_last(done)}")


def fetch(link: Link, source: str, target: str) -> None:
    """Write a file of the container to this machine; FleetError if there is none.

    It appears whole in place of what is at `target`, a link as well, with the mode bits of a file
    that was there.
    """
    with written(target) as part:
        done = execute(link, _cat(f"cat < {shlex.quote(source)}"), sink=part.write)
        if done.status in NOT_RUN:
            part.empty()
            link.ask(lambda client: _unpack(client, link, source, part))
        elif done.status:
            raise FleetError(f"{link.address}: cannot read {source}: {_last(done)}")
        part.appear(mode_of(target))


def _cat(line: str) -> List[str]:
    return ["/bin/sh", "-c", line]


def _last(done: Done) -> str:
    lines = done.err.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else f"cat ended with status {done.status}"


def _content(file: Any) -> Any:
    """Return a file's content without reading it; an empty file cannot be mapped."""
    if os.fstat(file.fileno()).st_size:
        return mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
    return b""


def _archive(file: Any, name: str, size: int, link: Link) -> Iterator[bytes]:
    """Yield an archive that holds one file, owned by a user that is given by number."""
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    user, _colon, group = str(link.option("remote_user") or "").partition(":")
    with contextlib.suppress(ValueError):
        member.uid = int(user)
        member.gid = int(group or user)
    yield member.tobuf()
    yield from iter(lambda: file.read(_PIECE), b"")
    yield bytes(-size % tarfile.BLOCKSIZE + 2 * tarfile.BLOCKSIZE)


def _unpack(client: Any, link: Link, source: str, part: Part) -> None:
    entries = members(client, link.container_id(client), source)  # dropping it ends the request
    member, content = next(entries, (None, None))
    if member is None or content is None:
        what = "a link" if member is not None and member.kind == "link" else "no file"
        raise FleetError(f"{link.address}: {source} is {what}")
    for piece in iter(lambda: content.read(_PIECE), b""):
        part.write(piece)
