# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is copied into a container: a file, a folder, a text, or what was packed of them."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import time
from dataclasses import dataclass
from typing import Any, BinaryIO, ContextManager, Dict, Iterator, Optional, Protocol, Tuple

from ..._desired.errors import FleetError, InvalidOption
from ..._desired.safe_files import Below, words

_PIECE = 1 << 18
_BLOCK = 512
END = b"\0" * (2 * _BLOCK)


@dataclass(frozen=True)
class Entry:
    """One file, folder or link; `kind` as in archive.Stat, `mode` its permission bits.

    `uid` and `gid` are None where the side that it comes from does not decide them.
    """

    kind: str
    mode: int
    size: int = 0
    link: str = ""
    uid: Optional[int] = None
    gid: Optional[int] = None
    mtime: int = 0


class Source(Protocol):
    """Something to copy: `entries` by path below it ("" is itself), `name` its last name."""

    name: str
    entries: Dict[str, Entry]

    def open(self, path: str) -> ContextManager[BinaryIO]:
        """Return a file of it, opened for reading."""


class Text:
    """A text of the task itself."""

    name = ""

    def __init__(self, text: str) -> None:
        self._data = text.encode("utf-8", "surrogateescape")
        now = int(time.time())
        self.entries = {"": Entry("file", 0o644, len(self._data), mtime=now)}

    def open(self, path: str) -> ContextManager[BinaryIO]:
        """Return the text's bytes."""
        return io.BytesIO(self._data)


class Local:
    """A file or folder of this machine; a link is followed only if it is the path itself."""

    def __init__(self, path: str, name: str = "") -> None:
        self._root = os.path.realpath(path)
        self.name = name or os.path.basename(os.path.normpath(path))
        self.entries: Dict[str, Entry] = dict(self._walk())

    def open(self, path: str) -> ContextManager[BinaryIO]:
        """Return a file below the path; FleetError if it cannot be read."""
        folder, start = self._place()
        try:
            with Below(folder) as below:
                return below.open(start + path)
        except OSError as exc:
            raise _unreadable(exc) from exc

    def _place(self) -> Tuple[str, str]:
        """Return the folder, or that of the file, and what paths in it begin with."""
        return (self._root, "") if os.path.isdir(self._root) else os.path.split(self._root)

    def _walk(self) -> Iterator[Tuple[str, Entry]]:
        path, (folder, start) = "", self._place()
        try:
            with Below(folder) as below:
                for path, seen, link in below.walk(start):
                    if not stat.S_ISSOCK(seen.st_mode):  # as Docker: it means nothing elsewhere
                        yield path[len(start) :], _entry(path, seen, link)
        except OSError as exc:
            exc.filename = exc.filename or os.path.join(self._root, path)
            raise _unreadable(exc) from exc


def _entry(path: str, seen: os.stat_result, link: str) -> Entry:
    kinds = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
    kind = kinds.get(stat.S_IFMT(seen.st_mode))
    if kind is None:
        raise OSError(0, "it is neither a file, a folder nor a link")
    size = seen.st_size if kind == "file" else 0
    mode = 0o777 if link else stat.S_IMODE(seen.st_mode)
    return Entry(kind, mode, size, link, mtime=int(seen.st_mtime))


def _unreadable(exc: OSError) -> InvalidOption:
    return InvalidOption(f"cannot read {words(exc)}", option="src", hint="make it readable")


class Packed:
    """An archive that pack() made, in a file on this machine."""

    def __init__(self, path: str, name: str) -> None:
        import tarfile

        self.name = name
        try:
            self._archive = tarfile.TarFile.open(path)
        except OSError as exc:
            raise FleetError(f"cannot read what was sent: {exc.strerror}", option="src") from exc
        self._members = {entry.name[2:]: entry for entry in self._archive}
        self.entries = {path: self._entry(entry) for path, entry in self._members.items()}

    @staticmethod
    def _entry(entry: Any) -> Entry:
        kind = "folder" if entry.isdir() else "link" if entry.issym() else "file"
        return Entry(kind, entry.mode, entry.size, entry.linkname, mtime=int(entry.mtime))

    def open(self, path: str) -> ContextManager[BinaryIO]:
        """Return a file of the archive."""
        stream: Any = self._archive.extractfile(self._members[path])
        return contextlib.closing(stream)


def pack(source: Source) -> Iterator[bytes]:
    """Yield all of a source as an archive whose names begin with `./`."""
    for path, entry in source.entries.items():
        yield from member(source, path, f"./{path}", entry)
    yield END


def member(source: Source, path: str, name: str, entry: Entry) -> Iterator[bytes]:
    """Yield one entry under another name; FleetError if its file was cut meanwhile."""
    yield header(name, entry)
    if entry.kind != "file" or not entry.size:
        return
    left = entry.size
    with source.open(path) as file:
        while left:
            piece = file.read(min(left, _PIECE))
            if not piece:
                raise FleetError(
                    f"{path or source.name} became shorter while it was being read",
                    option="src",
                    hint="run again while nothing writes to it",
                )
            left -= len(piece)
            yield piece
    yield b"\0" * (-entry.size % _BLOCK)


def header(name: str, entry: Entry) -> bytes:
    """Return the head of an entry in an archive."""
    import tarfile

    types = {"folder": tarfile.DIRTYPE, "link": tarfile.SYMTYPE, "file": tarfile.REGTYPE}
    result = tarfile.TarInfo(name)
    result.type, result.linkname = types[entry.kind], entry.link
    result.mode, result.size, result.mtime = entry.mode, entry.size, entry.mtime
    result.uid, result.gid = entry.uid or 0, entry.gid or 0
    return result.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
