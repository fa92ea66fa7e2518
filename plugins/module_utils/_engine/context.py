# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A build context: what of a folder is sent to the builder, its digest, its archive."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from typing import Iterator, Mapping, Optional, Tuple

from .._desired.errors import FleetError, InvalidOption
from .context_files import fold
from .ignore import Ignore

RULES = ".dockerignore"
_PIECE = 1 << 18
_BLOCK = 512


@dataclass(frozen=True)
class Entry:
    """One file, folder (`path` ends with /) or link of a context."""

    path: str
    mode: int
    mtime: int
    size: int
    link: str
    digest: str


@dataclass(frozen=True)
class Context:
    """A context as it was read: `digest` of all that counts, `files` folded, `dockerfile` text.

    What counts is path, mode bits, content and link target; owner and times do not. `files` maps
    paths to short digests, folded to a few hundred at most (context_files.py).
    """

    root: str
    entries: Tuple[Entry, ...]
    digest: str
    files: Mapping[str, str]
    dockerfile: str

    def tar(self, extra: Optional[Mapping[str, bytes]] = None) -> Iterator[bytes]:
        """Yield the context as a tar stream, equal for an equal folder, `extra` files over it.

        Times are sent, though they do not count: a web server would otherwise give every file
        the same date, and with it the same ETag after a change of equal length. Raise FleetError
        if a file was cut while it was read.
        """
        for entry in self.entries:
            yield _header(entry)
            if entry.size:
                yield from _content(os.path.join(self.root, entry.path), entry.size)
        for path, data in (extra or {}).items():
            yield _header(Entry(path, 0o644, 0, len(data), "", ""))
            yield data + b"\0" * (-len(data) % _BLOCK)
        yield b"\0" * (2 * _BLOCK)


def read_context(
    path: str,
    dockerfile: str = "Dockerfile",
    inline: Optional[str] = None,
    option: str = "build.context",
) -> Context:
    """Read the context in the folder at the absolute `path`, which `option` names.

    Raise InvalidOption if it is no folder, cannot be read, or holds no Dockerfile at the path
    `dockerfile` relative to it. With the Dockerfile's text given `inline`, none is needed.
    """
    check_folder(path, option)
    root = os.path.realpath(path)
    text = _dockerfile(root, path, dockerfile) if inline is None else inline
    rules = RULES if inline is not None else rules_of(root, dockerfile)
    keep = (RULES,) if inline is not None else (os.path.normpath(dockerfile), RULES, rules)
    ignore = _ignore(root, rules, keep)
    entries = tuple(sorted(_walk(root, "", ignore), key=lambda entry: entry.path))
    files = {entry.path: entry.digest[:8] for entry in entries}
    whole = hashlib.sha256()
    for entry in entries:
        whole.update(f"{entry.path}\0{entry.digest}\0".encode("utf-8", "surrogateescape"))
    return Context(root, entries, whole.hexdigest(), fold(files), text)


def check_folder(path: str, option: str = "build.context") -> None:
    """Raise InvalidOption unless `path` is an absolute path of a folder on this machine."""
    if path.startswith("~"):
        text, hint = f"'{path}': a ~ is not expanded", "write the whole path"
    elif "://" in path or path.startswith("git@"):
        text, hint = f"'{path}' is an address", "a folder is needed; check it out first"
    elif not os.path.isabs(path):
        text, hint = f"'{path}' is relative", "write an absolute path"
    elif not os.path.exists(path):
        text, hint = f"there is nothing at {path}", "name a folder that holds a Dockerfile"
    elif not os.path.isdir(path):
        text, hint = f"{path} is not a folder", "name the folder that holds the Dockerfile"
    else:
        return
    raise InvalidOption(text, option=option, hint=hint)


def _dockerfile(root: str, shown: str, name: str) -> str:
    clean = os.path.normpath(name)
    if os.path.isabs(name) or clean.startswith(("..", "~")):
        raise InvalidOption(
            f"'{name}' lies outside the context",
            option="build.dockerfile",
            hint="write a path relative to build.context",
        )
    try:
        with open(os.path.join(root, clean), encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError as exc:
        raise InvalidOption(
            f"no Dockerfile at {os.path.join(shown, clean)} ({exc.strerror})",
            option="build.dockerfile",
            hint="its path is relative to build.context",
        ) from exc


def rules_of(root: str, dockerfile: str) -> str:
    """Return which file says what is left out: `NAME.dockerignore` beside the Dockerfile NAME goes
    before the context's own, as BuildKit has it."""
    own = f"{os.path.normpath(dockerfile)}{RULES}"
    return own if os.path.isfile(os.path.join(root, own)) else RULES


def _ignore(root: str, rules: str, keep: Tuple[str, ...]) -> Ignore:
    try:
        with open(os.path.join(root, rules), encoding="utf-8", errors="replace") as file:
            return Ignore(file.read(), keep)
    except FileNotFoundError:
        return Ignore("", keep)
    except OSError as exc:
        raise _unreadable(rules, exc) from exc


def _walk(root: str, folder: str, ignore: Ignore) -> Iterator[Entry]:
    try:
        with os.scandir(os.path.join(root, folder)) as scan:
            found = list(scan)
    except OSError as exc:
        raise _unreadable(folder, exc) from exc
    for item in found:
        path = folder + item.name
        real = item.is_dir(follow_symlinks=False)
        out = ignore.excludes(path)
        if not out:
            yield from _entry(root, path, real)
        if real and (not out or ignore.returns(path)):
            yield from _walk(root, path + "/", ignore)


def _entry(root: str, path: str, folder: bool) -> Iterator[Entry]:
    full = os.path.join(root, path)
    try:
        seen = os.lstat(full)
        kind = stat.S_IFMT(seen.st_mode)
        if kind == stat.S_IFSOCK:
            return  # as Docker does: a socket means nothing in an image
        if kind not in (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK):
            raise OSError(0, "it is neither a file, a folder nor a link")
        link = os.readlink(full) if kind == stat.S_IFLNK else ""
        regular = kind == stat.S_IFREG
        mode = 0o777 if link else stat.S_IMODE(seen.st_mode)
        digest = _digest(full if regular else "", kind, mode, link)
    except OSError as exc:
        raise _unreadable(path, exc) from exc
    size = seen.st_size if regular else 0
    yield Entry(path + "/" * folder, mode, int(seen.st_mtime), size, link, digest)


def _digest(file: str, kind: int, mode: int, link: str) -> str:
    made = hashlib.sha256(f"{kind:o} {mode:o} {link}\0".encode("utf-8", "surrogateescape"))
    if file:
        with open(file, "rb") as content:
            for piece in iter(lambda: content.read(_PIECE), b""):
                made.update(piece)
    return made.hexdigest()


def _unreadable(path: str, exc: OSError) -> InvalidOption:
    return InvalidOption(
        f"cannot read {path or 'the folder'}: {exc.strerror or exc}",
        option="build.context",
        hint="make it readable, or name it in .dockerignore",
    )


def _header(entry: Entry) -> bytes:
    import tarfile

    made = tarfile.TarInfo(entry.path)
    made.mode, made.mtime, made.size = entry.mode, entry.mtime, entry.size
    made.type = tarfile.DIRTYPE if entry.path.endswith("/") else tarfile.REGTYPE
    if entry.link:
        made.type, made.linkname = tarfile.SYMTYPE, entry.link
    return made.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _content(path: str, size: int) -> Iterator[bytes]:
    left = size
    try:
        with open(path, "rb") as file:
            while left:
                piece = file.read(min(left, _PIECE))
                if not piece:
                    raise OSError(0, "it became shorter while it was read")
                left -= len(piece)
                yield piece
    except OSError as exc:
        raise FleetError(
            f"cannot send {path}: {exc.strerror or exc}",
            option="build.context",
            hint="run again when nothing writes to the context",
        ) from exc
    yield b"\0" * (-size % _BLOCK)
