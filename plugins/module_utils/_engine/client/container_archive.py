# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of a container, running or not, as the engine's archive endpoints give and take them.

Nothing inside the container takes part (Engine API, "Get information about files in a
container"). A path is followed through links but for its last part.
"""

from __future__ import annotations

import base64
import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Dict, Iterable, Iterator, List, Optional, Tuple

from .connection import Reply
from .engine import Client
from .errors import EngineError
from .raw_stream import Raw

if TYPE_CHECKING:
    from ..tar.reader import Member

# Go's io/fs.FileMode, which the engine sends: its bits above the permissions.
_DIR, _LINK = 1 << 31, 1 << 27
_SPECIAL = {1 << 23: 0o4000, 1 << 22: 0o2000, 1 << 20: 0o1000}
_KINDS = (1 << 31) | (1 << 27) | (1 << 26) | (1 << 25) | (1 << 24) | (1 << 21) | (1 << 19)


@dataclass(frozen=True)
class Stat:
    """What is at a path: `kind` is file, folder, link or other; `mode` has twelve bits."""

    kind: str
    mode: int
    size: int
    link: str = ""


def stat(client: Client, container: str, path: str) -> Optional[Stat]:
    """Return what is at a path in a container, None if nothing is."""
    where = f"/containers/{container}/archive"
    reply = client.fetch(where, {"path": path}, "HEAD")
    if reply.status == 404:
        return None
    if reply.failed:
        _explain(client, where, path, reply)
        return None
    seen = json.loads(base64.b64decode(reply.headers["x-docker-container-path-stat"]))
    return _stat(seen)


def _stat(seen: Dict[str, Any]) -> Stat:
    bits = int(seen["mode"])
    mode = (bits & 0o777) | sum(own for go, own in _SPECIAL.items() if bits & go)
    kind = "folder" if bits & _DIR else "link" if bits & _LINK else "file"
    if kind == "file" and bits & _KINDS:
        kind = "other"
    return Stat(kind, mode, int(seen.get("size") or 0), str(seen.get("linkTarget") or ""))


def _explain(client: Client, where: str, path: str, refusal: Reply) -> None:
    """Raise what the engine has to say, but not that a part of the path is a file."""
    reply = client.fetch(where, {"path": path})  # HEAD has no body; GET has the error
    error = hinted((reply if reply.failed else refusal).error("HEAD", where))
    if "not a directory" not in error.message and error.status != 404:
        raise error


class Source(Iterator[bytes]):
    """Bytes that come in pieces, as a file that can only be read forwards."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = b""

    def __next__(self) -> bytes:
        return next(self._pieces)

    def read(self, size: int) -> bytes:
        """Return `size` bytes, fewer only at the end."""
        parts: List[bytes] = [self._rest]
        have = len(self._rest)
        while have < size:
            piece = next(self._pieces, b"")
            if not piece:
                break
            parts.append(piece)
            have += len(piece)
        data = b"".join(parts)
        self._rest = data[size:]
        return data[:size]


def members(client: Client, container: str, path: str) -> Iterator[Tuple[Member, Any]]:
    """Yield (tar.reader.Member, a readable of its content) of what is at a path, as it comes.

    The first is the path itself, under its last name. The content, None but for a file, must be
    read before the next. Raise EngineError for what no engine has a reason to send.
    """
    from ..tar.reader import BadArchive, Tar

    where = f"/containers/{container}/archive"
    with _hints(), Raw(client, "GET", where, {"path": path}) as raw:
        archive = Tar(Source(raw.pieces()))
        try:
            for member, content in archive:
                if member.kind == "sparse":
                    raise BadArchive(f"{member.name} is sparse")
                yield member, content if member.kind == "file" else None
            if not archive.ended:
                raise BadArchive("it breaks off")
        except BadArchive as exc:
            text = f"the archive of {path} cannot be read: {exc}"
            raise EngineError(text, method="GET", path=where) from exc


def put(client: Client, container: str, folder: str, pieces: Iterable[bytes]) -> None:
    """Unpack an archive, sent as it is made, in a folder of the container that exists."""
    where = f"/containers/{container}/archive"
    # Without it the engine would put a file in place of a folder.
    query = {"path": folder, "noOverwriteDirNonDir": True}
    with _hints(), Raw(client, "PUT", where, query, pieces, "application/x-tar") as raw:
        raw.read()


@contextlib.contextmanager
def _hints() -> Iterator[None]:
    try:
        yield
    except EngineError as error:
        raise hinted(error) from error.__cause__


def hinted(error: EngineError) -> EngineError:
    """Say what would be right, where an engine cannot mount a container's mounts (Docker 28)."""
    if "path escapes from parent" in error.message:
        error.hint = (
            "a mount of the container leads through a link in its image; mount it where the "
            "link points to, such as /var/run/docker.sock:/run/docker.sock in volumes, in "
            "place of "
            "use_api_socket"
        )
    return error
