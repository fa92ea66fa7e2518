# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies out of a container, to the machine where this runs: each file is replaced at once."""

from __future__ import annotations

import contextlib
import os
import stat as bits
import tempfile
from dataclasses import replace
from typing import Any, BinaryIO, Dict, Iterator, List, Mapping, Optional, Tuple

from .._desired.errors import FleetError, InvalidOption
from .._desired.model import Plan
from .._desired.resource import Work
from .._desired.steps import Step
from .archive import members
from .client import Client
from .copy_diff import differing, plan, wanted
from .copy_found import Found, Seen, entry_of, follow
from .copy_source import Entry
from .copy_wish import Wish
from .inside import look_at

_PIECE = 1 << 18


def look(client: Optional[Client], wish: Wish, pending: Mapping[str, str]) -> Found:
    """Compare what the container has with what is here; both are read once."""
    box = look_at(client, wish.container, pending)
    if client is None or not box.id:
        return Found(box, wish.path)
    path, seen = follow(client, box.id, wish.path)
    if seen is None:
        raise InvalidOption(
            f"there is nothing at {wish.path} in the container",
            option="src",
            hint="name a file or folder that is there",
        )
    entries: Dict[str, Entry] = {}
    there: Dict[str, Seen] = {}
    for inner, entry, content in _all(client, box.id, path):
        entries[inner] = entry
        with _errors("dest"):
            here = _here(_join(wish.local, inner), entry, content)
        if here is not None:
            there[inner] = here
    return Found(box, path, there=there, wanted=entries)


def _all(client: Client, box: str, path: str) -> Iterator[Tuple[str, Entry, Any]]:
    """Yield (path below, entry, content); devices and sockets are left out."""
    for member, content in members(client, box, path):
        inner = member.name.rstrip("/").partition("/")[2]
        if ".." in inner.split("/") or inner.startswith("/"):
            raise FleetError(f"the archive of {path} holds the path {inner}", option="src")
        entry = entry_of(member)
        if member.islnk():
            raise InvalidOption(
                f"{path}/{inner} is one more name of another file",
                option="src",
                hint="fetch its files one by one",
            )
        if entry.kind != "other":
            # No rights of a program's owner, and nobody's number: they mean nothing here.
            yield inner, replace(entry, mode=entry.mode & 0o777, uid=None, gid=None), content


def _join(root: str, path: str) -> str:
    return os.path.join(root, *path.split("/")) if path else root


def _here(full: str, wanted_here: Entry, content: Optional[BinaryIO]) -> Optional[Seen]:
    try:
        seen = os.lstat(full)
    except FileNotFoundError:
        return None
    kind = bits.S_IFMT(seen.st_mode)
    word = {bits.S_IFREG: "file", bits.S_IFDIR: "folder", bits.S_IFLNK: "link"}.get(kind, "other")
    if "folder" in (word, wanted_here.kind) and word != wanted_here.kind:
        hint = "end dest with / to fetch into it" if word == "folder" else "remove it first"
        raise InvalidOption(f"{full} is a {word} here", option="dest", hint=hint)
    link = os.readlink(full) if word == "link" else ""
    entry = Entry(word, bits.S_IMODE(seen.st_mode), seen.st_size, link)
    same = False
    if word == "file" == wanted_here.kind and content and seen.st_size == wanted_here.size:
        with open(full, "rb") as file:
            pieces = iter(lambda: content.read(_PIECE), b"")
            same = all(file.read(len(piece)) == piece for piece in pieces)
    return Seen(entry, same)


def plan_out(wish: Wish, found: Found) -> Plan:
    """Return the one step that fetches what differs."""
    return plan(wish, found, found.wanted, "fetch", on=found.path, to=wish.local)


def fetch(work: Work, step: Step) -> bool:
    """Write what differs; each file appears whole under its name."""
    wish: Wish = work.desired
    found: Found = work.snapshot
    paths = differing(wish, found, found.wanted)
    folders: List[Tuple[str, int]] = []
    with _errors("dest"):
        os.makedirs(os.path.dirname(wish.local), exist_ok=True)
        for inner, now, content in _all(work.client, found.box.id, found.path):
            if inner not in paths:
                continue
            entry = wanted(wish, found, inner, now)
            full = _join(wish.local, inner)
            if entry.kind == "folder":
                os.makedirs(full, mode=0o700, exist_ok=True)
                folders.append((full, entry.mode))
            else:
                _write(full, entry, content)
        for full, mode in reversed(folders):
            os.chmod(full, mode)
    return True


def _write(full: str, entry: Entry, content: Optional[BinaryIO]) -> None:
    folder, name = os.path.split(full)
    spare = tempfile.mkdtemp(prefix=f".{name}.", dir=folder)
    made = os.path.join(spare, name)
    try:
        if entry.kind == "link":
            os.symlink(entry.link, made)
        else:
            with open(made, "wb") as file:
                while content is not None:
                    piece = content.read(_PIECE)
                    if not piece:
                        break
                    file.write(piece)
            os.chmod(made, entry.mode)
        os.replace(made, full)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(made)
        os.rmdir(spare)


@contextlib.contextmanager
def _errors(option: str) -> Iterator[None]:
    """Turn what this machine refuses into the one error family."""
    try:
        yield
    except OSError as exc:
        where = f"{exc.filename}: " if exc.filename else ""
        raise FleetError(f"{where}{exc.strerror or exc}", option=option) from exc
