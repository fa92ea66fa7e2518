# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive that an image comes from."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Dict, Mapping, Optional, Tuple

from ..._desired.errors import InvalidOption

if TYPE_CHECKING:
    from .archive import Member
_PIECE = 1 << 18


@dataclass(frozen=True)
class Source:
    """An archive that an image comes from: `kind` is load or import.

    `path` is its place on this machine, "" if it is elsewhere; `member` the image in it (load),
    `digest` that of the file and `changes` Dockerfile instructions (import). Without a name that
    is asked for, `every` has all images that are in it, and `file` its own name.
    """

    kind: str
    path: str
    member: Optional[Member] = None
    digest: str = ""
    changes: Tuple[str, ...] = ()
    every: Tuple[Member, ...] = ()
    file: str = ""

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Source:
        """Return the archive that public() has described on another machine."""
        from .archive import Member

        def member(entry: Mapping[str, Any]) -> Member:
            return Member(
                tuple(entry["ids"]), tuple(entry["tags"]), entry["manifest"], entry["content"]
            )

        path, changes = str(given.get("path") or ""), tuple(given["changes"])
        image = member(given["member"]) if given["member"] else None
        every = tuple(member(entry) for entry in given["every"])
        return cls(given["kind"], path, image, given["digest"], changes, every, given["file"])

    def public(self, path: str = "") -> Dict[str, Any]:
        """Return this as JSON-able values, for a machine that has the file at `path`."""

        def member(entry: Member) -> Dict[str, Any]:
            result = {"ids": list(entry.ids), "tags": list(entry.tags), "manifest": entry.manifest}
            return {**result, "content": dict(entry.content)}

        return {
            "kind": self.kind,
            "path": path,
            "member": member(self.member) if self.member else None,
            "digest": self.digest,
            "changes": list(self.changes),
            "every": [member(entry) for entry in self.every],
            "file": self.file,
        }

    @property
    def references(self) -> Dict[str, Member]:
        """All images of the archive by each of their names, or by the id if one has none."""
        return {ref: entry for entry in self.every for ref in entry.tags or entry.ids[-1:]}

    def options(self) -> Dict[str, str]:
        """Return what decides that an image is imported anew, by key."""
        result = {"archive": self.digest}
        return {**result, "changes": "\n".join(self.changes)} if self.changes else result


def read_source(params: Mapping[str, Any], name: str) -> Optional[Source]:
    """Return the archive that a task's options name, read on this machine; None without one."""
    if params.get("load"):
        from .archive import find_image, find_images

        path = _file(params["load"], "load")
        if name:
            return Source("load", path, find_image(path, name, "load"))
        every = tuple(find_images(path, "load"))
        return Source("load", path, every=every, file=os.path.basename(path))
    given = params.get("import")
    if not given:
        return None
    path = _file(given["path"], "import.path")
    return Source("import", path, None, _digest(path), tuple(given.get("changes") or ()))


def _file(path: str, option: str) -> str:
    if not os.path.isabs(path) or not os.path.isfile(path):
        raise InvalidOption(
            f"there is no file at {path}", option=option, hint="write the absolute path of one"
        )
    return path


def _digest(path: str) -> str:
    result = hashlib.sha256()
    with open(path, "rb") as file:
        for piece in iter(lambda: file.read(_PIECE), b""):
            result.update(piece)
    return result.hexdigest()
