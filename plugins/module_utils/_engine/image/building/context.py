# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A build context: what of a folder is sent to the builder, its digest, its archive."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from typing import Dict, Iterator, Mapping, Optional, Tuple

from ...._desired.errors import FleetError, InvalidOption
from ...._desired.safe_files import Below
from .context_digests import merge_folders
from .dockerignore import Ignore, Matched

RULES = ".dockerignore"
_PIECE = 1 << 18
_BLOCK = 512
_MAX_TEXT = 1 << 22  # bytes of a Dockerfile or of rules


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

    What counts is path, the owner's mode bits, content and link target; who that is and times do
    not. `files` maps paths to short digests, folded to a few hundred at most (context_digests.py).
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
        with Below(self.root) as below:
            for entry in self.entries:
                if entry.path in (extra or ()):
                    continue
                yield _header(entry)
                if entry.size:
                    yield from _content(below, entry)
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
    ignore = Ignore(rules_text(root, rules).decode("utf-8", "replace"), keep)
    entries = tuple(sorted(_walk(root, ignore), key=lambda entry: entry.path))
    files = {entry.path: entry.digest[:8] for entry in entries}
    whole = hashlib.sha256()
    for entry in entries:
        whole.update(f"{entry.path}\0{entry.digest}\0".encode("utf-8", "surrogateescape"))
    return Context(root, entries, whole.hexdigest(), merge_folders(files), text)


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
    if clean.startswith("~"):
        raise InvalidOption(
            f"'{name}': a ~ is not expanded",
            option="build.dockerfile",
            hint="write a path relative to build.context, or a whole one",
        )
    try:
        return read_text(root, clean).decode("utf-8", "replace")
    except OSError as exc:
        raise InvalidOption(
            f"no Dockerfile at {os.path.join(shown, clean)} ({exc.strerror})",
            option="build.dockerfile",
            hint="its path is relative to build.context",
        ) from exc


def outside_text(path: str) -> str:
    """Return what a Dockerfile holds that lies outside of its context, at an absolute path."""
    folder, name = os.path.split(os.path.realpath(path))
    try:
        text = read_text(folder, name).decode("utf-8", "replace")
    except OSError as exc:
        raise InvalidOption(
            f"no Dockerfile at {path} ({exc.strerror})",
            option="build.dockerfile",
            hint="its path is relative to build.context, or a whole one",
        ) from exc
    if os.path.lexists(path + RULES):
        raise InvalidOption(
            f"{path} lies outside of the context, and has ignore rules of its own beside it",
            option="build.dockerfile",
            hint=f"put those of {path}{RULES} into the {RULES} of the context",
        )
    return text


def read_text(root: str, path: str) -> bytes:
    """Return what a file of a context holds; OSError unless it is a plain one and of a size for it.

    A link is followed within the context: one that leads out would bring a file of this machine
    into the image that somebody else's folder is built to.
    """
    real = os.path.realpath(os.path.join(root, path))
    inner = os.path.relpath(real, root)
    if inner.startswith(".."):
        raise OSError(0, "it is a link that leads out of the context")
    with Below(root) as below, below.open(inner) as file:
        data = file.read(_MAX_TEXT + 1)
    if len(data) > _MAX_TEXT:
        raise OSError(0, f"it is larger than {_MAX_TEXT >> 20} MiB")
    return data


def rules_of(root: str, dockerfile: str) -> str:
    """Return which file says what is left out: `NAME.dockerignore` beside the Dockerfile NAME goes
    before the context's own, as BuildKit has it."""
    own = f"{os.path.normpath(dockerfile)}{RULES}"
    return own if os.path.isfile(os.path.join(root, own)) else RULES


def rules_text(root: str, rules: str) -> bytes:
    """Return what a file of rules holds, b"" if there is none; InvalidOption if it is no file."""
    try:
        return read_text(root, rules)
    except FileNotFoundError:
        return b""
    except OSError as exc:
        raise _unreadable(rules, exc) from exc


def _walk(root: str, ignore: Ignore) -> Iterator[Entry]:
    matches: Dict[str, Matched] = {}

    def choose(path: str, folder: bool) -> Tuple[bool, bool]:
        if not path:
            return False, True
        matched = ignore.matched(path, matches.get(path.rpartition("/")[0], ()))
        if folder:
            matches[path] = matched
        out = ignore.leaves_out(path, matched)
        return not out, not out or ignore.returns(path)

    try:
        with Below(root) as below:
            for path, seen, link in below.walk("", choose):
                # As Docker does: a socket means nothing in an image.
                if not stat.S_ISSOCK(seen.st_mode):
                    yield _entry(below, path, seen, link)
    except OSError as exc:
        inner = os.path.relpath(exc.filename or root, root)
        raise _unreadable("" if inner == "." else inner, exc) from exc


def _entry(below: Below, path: str, seen: os.stat_result, link: str) -> Entry:
    kind = stat.S_IFMT(seen.st_mode)
    if kind not in (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK):
        raise OSError(
            0, "it is neither a file, a folder nor a link", os.path.join(below.root, path)
        )
    regular = kind == stat.S_IFREG
    mode = 0o777 if link else stat.S_IMODE(seen.st_mode)
    # What groups and others may do comes from the umask of whoever checked the files out.
    own = mode & 0o7700
    result = hashlib.sha256(f"{kind:o} {own:o} {link}\0".encode("utf-8", "surrogateescape"))
    if regular:
        with below.open(path) as content:
            for piece in iter(lambda: content.read(_PIECE), b""):
                result.update(piece)
    size = seen.st_size if regular else 0
    name = path + "/" * (kind == stat.S_IFDIR)
    return Entry(name, mode, int(seen.st_mtime), size, link, result.hexdigest())


def _unreadable(path: str, exc: OSError) -> InvalidOption:
    return InvalidOption(
        f"cannot read {path or 'the folder'}: {exc.strerror or exc}",
        option="build.context",
        hint="make it readable, or name it in .dockerignore",
    )


def _header(entry: Entry) -> bytes:
    import tarfile

    result = tarfile.TarInfo(entry.path)
    result.mode, result.mtime, result.size = entry.mode, entry.mtime, entry.size
    result.type = tarfile.DIRTYPE if entry.path.endswith("/") else tarfile.REGTYPE
    if entry.link:
        result.type, result.linkname = tarfile.SYMTYPE, entry.link
    return result.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _content(below: Below, entry: Entry) -> Iterator[bytes]:
    left = entry.size
    try:
        with below.open(entry.path) as file:
            while left:
                piece = file.read(min(left, _PIECE))
                if not piece:
                    raise OSError(0, "it became shorter while it was being read")
                left -= len(piece)
                yield piece
    except OSError as exc:
        raise FleetError(
            f"cannot send {os.path.join(below.root, entry.path)}: {exc.strerror or exc}",
            option="build.context",
            hint="run again while nothing writes to the context",
        ) from exc
    yield b"\0" * (-entry.size % _BLOCK)
