# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies out of a container, to the machine where this runs: each file is replaced at once."""

from __future__ import annotations

import contextlib
import errno
import os
import stat as bits
from dataclasses import replace
from typing import Any, BinaryIO, Dict, Iterator, List, Optional, Tuple

from ..._desired.errors import FleetError, InvalidOption
from ..._desired.plan import Plan
from ..._desired.planned import Pending
from ..._desired.safe_files import Below, words
from ..._desired.steps import Step
from ..._desired.work import Work
from ..client.container_archive import members
from ..client.engine import Client
from ..container.target import look_at
from ..tar.reader import shown
from .compare import differing, plan, wanted
from .desired import Desired
from .observed import Observed, Seen, entry_of, follow
from .source import Entry

_PIECE = 1 << 18
_NO_NAMES = frozenset(("", ".", ".."))


def look(client: Optional[Client], desired: Desired, pending: Pending) -> Observed:
    """Compare what the container has with what is here; both are read once."""
    container = look_at(client, desired.container, pending)
    if client is None or not container.id:
        return Observed(container, desired.path)
    path, seen = follow(client, container.id, desired.path)
    if seen is None:
        raise InvalidOption(
            f"there is nothing at {desired.path} in the container",
            option="src",
            hint="name a file or folder that is there",
        )
    entries: Dict[str, Entry] = {}
    there: Dict[str, Seen] = {}
    folder, name = os.path.split(desired.local)
    with _errors(), _open(folder) as below:
        for inner, entry, content in _all(client, container.id, path):
            entries[inner] = entry
            here = _here(below, _join(name, inner), entry, content)
            if here is not None:
                there[inner] = here
    return Observed(container, path, there=there, wanted=entries)


@contextlib.contextmanager
def _open(folder: str) -> Iterator[Optional[Below]]:
    """Open the folder that holds the destination; None if it is not there yet."""
    try:
        below = Below(folder)
    except FileNotFoundError:
        yield None
        return
    with below:
        yield below


def _all(client: Client, container: str, path: str) -> Iterator[Tuple[str, Entry, Any]]:
    """Yield (path below, entry, content); devices and sockets are left out."""
    for member, content in members(client, container, path):
        inner = member.name.rstrip("/").partition("/")[2]
        if inner and not _NO_NAMES.isdisjoint(inner.split("/")):
            text = f"the archive of {path} holds the path {shown(inner)}"
            raise FleetError(text, option="src", hint="nothing was written there")
        entry = entry_of(member)
        if member.kind == "name":
            raise InvalidOption(
                f"{path}/{inner} is a hard link to another file",
                option="src",
                hint="fetch its files one by one",
            )
        if entry.kind != "other":
            # Without set-user-ID bits and owners: they mean nothing on this machine.
            yield inner, replace(entry, mode=entry.mode & 0o777, uid=None, gid=None), content


def _join(name: str, path: str) -> str:
    return f"{name}/{path}" if name and path else name or path


def _here(
    below: Optional[Below], path: str, wanted_here: Entry, content: Optional[BinaryIO]
) -> Optional[Seen]:
    seen = below.stat(path) if below is not None else None
    if below is None or seen is None:
        return None
    kind = bits.S_IFMT(seen.st_mode)
    word = {bits.S_IFREG: "file", bits.S_IFDIR: "folder", bits.S_IFLNK: "link"}.get(kind, "other")
    if "folder" in (word, wanted_here.kind) and word != wanted_here.kind:
        hint = "end dest with / to fetch into it" if word == "folder" else "remove it first"
        full = os.path.join(below.root, path)
        raise InvalidOption(f"{full} is a {word} here", option="dest", hint=hint)
    link = below.readlink(path) if word == "link" else ""
    entry = Entry(word, bits.S_IMODE(seen.st_mode), seen.st_size, link)
    same = False
    if word == "file" == wanted_here.kind and content and seen.st_size == wanted_here.size:
        with below.open(path) as file:
            pieces = iter(lambda: content.read(_PIECE), b"")
            same = all(file.read(len(piece)) == piece for piece in pieces)
    return Seen(entry, same)


def plan_out(desired: Desired, observed: Observed) -> Plan:
    """Return the one step that fetches what differs."""
    return plan(desired, observed, observed.wanted, "fetch", on=observed.path, to=desired.local)


def fetch(work: Work, step: Step) -> bool:
    """Write what differs; each file appears whole under its name."""
    desired: Desired = work.desired
    observed: Observed = work.snapshot
    paths = differing(desired, observed, observed.wanted)
    folders: List[Tuple[str, int]] = []
    parent, name = os.path.split(desired.local)
    with _errors():
        os.makedirs(parent, exist_ok=True)
        with Below(parent) as below:
            for inner, now, content in _all(work.client, observed.target.id, observed.path):
                if inner not in paths:
                    continue
                entry = wanted(desired, observed, inner, now)
                path = _join(name, inner)
                if entry.kind == "folder":
                    below.make(path)
                    folders.append((path, entry.mode))
                else:
                    _write(below, path, entry, content)
            for path, mode in reversed(folders):
                below.chmod(path, mode)
    return True


def _write(below: Below, path: str, entry: Entry, content: Optional[BinaryIO]) -> None:
    if entry.kind == "link":
        below.link(path, entry.link)
        return
    with below.file(path, entry.mode) as part:
        while content is not None:
            piece = content.read(_PIECE)
            if not piece:
                break
            part.write(piece)


@contextlib.contextmanager
def _errors() -> Iterator[None]:
    """Turn what this machine refuses into the one error family."""
    try:
        yield
    except OSError as exc:
        hint = None
        if exc.errno == errno.ELOOP:
            hint = "fetched files are never written through a link; remove it, or fetch elsewhere"
        raise FleetError(words(exc), option="dest", hint=hint) from exc
