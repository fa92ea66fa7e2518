# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Configs and secrets of a service: files that its containers get before they start.

A plain engine keeps no such things, and the files are not on its host: so each is put into the
container between its creation and its start (Compose Specification, "configs" and "secrets").
Configs are known by salted digests in the record. A short secret could be guessed from one: so
secrets are read from the container, as is all that Compose has put into one.
"""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import dataclass
from posixpath import join
from typing import Any, BinaryIO, ContextManager, Dict, Iterator, List, Mapping, Optional, Tuple

from ..._desired.ownership import digest
from ..._desired.steps import Change
from ..client.container_archive import members, put
from ..client.engine import Client
from ..client.errors import EngineError
from ..copy.source import END, Entry, member
from ..tar.reader import Member

# Under this key of a record's `files` is the salt of the digests.
_SALT = "salt"
# In place of the digest of a secret.
_SECRET = "secret"
# What a file read back may hold: engines keep no larger config or secret (500 kB) either.
LARGEST = 1 << 20
_MODE = 0o444
# Where they are if no absolute path is declared.
_FOLDERS = {"configs": "/", "secrets": "/run/secrets"}


@dataclass(frozen=True, repr=False)
class File:
    """One of them: `option` is configs or secrets, `target` its path in the container.

    `owner` is `UID:GID` in numbers, `mode` the permission bits; `content` is never shown.
    """

    option: str
    target: str
    content: bytes
    owner: Tuple[int, int] = (0, 0)
    mode: int = _MODE

    def fingerprint(self, salt: str) -> str:
        """Return a salted digest of all that it is."""
        return _fingerprint(salt, self.target, self.content, self.owner, self.mode)


Files = Mapping[str, File]


def _fingerprint(salt: str, target: str, content: bytes, owner: Tuple[int, int], mode: int) -> str:
    whole = hashlib.sha256(content).hexdigest()
    return digest(salt, target, f"{whole} {owner[0]}:{owner[1]} {mode:o}")


def recorded(files: Files) -> Dict[str, str]:
    """Return what a record keeps of files, by their paths: of a secret that it is there."""
    salt = os.urandom(8).hex()
    result = {
        target: _SECRET if file.option == "secrets" else file.fingerprint(salt)
        for target, file in files.items()
    }
    return {**result, _SALT: salt} if result else {}


def changes_of(files: Files, kept: Mapping[str, str], read: Mapping[str, str]) -> List[Change]:
    """Return how files differ from what is there: as a record keeps them, or, where they were
    read (see read_files), as they were then."""
    result: List[Change] = []
    for target in sorted({*files, *kept} - {_SALT}):
        file = files.get(target)
        source = read if target in read else kept
        before = source.get(target) or None
        after = file and file.fingerprint(source.get(_SALT, ""))
        if before != after:
            text = "none → set" if before is None else "changed" if file else "set → none"
            option = "secrets" if kept.get(target) == _SECRET else "configs"
            result.append(_change(file.option if file else option, target, text))
    return result


def _change(option: str, target: str, text: str) -> Change:
    return Change(option, target, "", "", "replace", "declared", option == "secrets", text)


def read_files(client: Client, container: str, files: Files, whole: bool) -> Dict[str, str]:
    """Return digests of what is in a container at the paths of files, "" where there is none.

    `whole`: with owner and mode, which Compose takes from a file that it mounts.
    """
    salt = os.urandom(8).hex()
    result = {_SALT: salt}
    for target, file in files.items():
        seen = _read(client, container, target)
        result[target] = ""
        if seen is not None:
            entry, content = seen
            owner, mode = ((entry.uid, entry.gid), entry.mode & 0o7777)
            owner, mode = (owner, mode) if whole else (file.owner, file.mode)
            result[target] = _fingerprint(salt, target, content, owner, mode)
    return result


def _read(client: Client, container: str, path: str) -> Optional[Tuple[Member, bytes]]:
    try:
        for entry, content in members(client, container, path):
            if content is None or entry.size > LARGEST:
                return None
            data = bytes(content.read(LARGEST))
            return (entry, data) if len(data) == entry.size else None
    except EngineError as error:
        if error.status != 404:
            raise
    return None


def write(client: Client, container: str, files: Files) -> None:
    """Put files into a container that has not been started; folders above them are made."""
    put(client, container, "/", archive(files))


class _Content:
    """A file's content as what is packed."""

    name = ""

    def __init__(self, file: File) -> None:
        self._data = file.content
        uid, gid = file.owner
        self.entries = {"": Entry("file", file.mode, len(self._data), uid=uid, gid=gid)}

    def open(self, path: str) -> ContextManager[BinaryIO]:
        """Return the bytes."""
        return io.BytesIO(self._data)


def archive(files: Files) -> Iterator[bytes]:
    """Yield an archive of files by their paths."""
    for target, file in sorted(files.items()):
        source = _Content(file)
        yield from member(source, "", target.lstrip("/"), source.entries[""])
    yield END


def parse_files(
    service: Mapping[str, Any], contents: Mapping[str, Mapping[str, bytes]]
) -> Dict[str, File]:
    """Return the files of a service in the loader's long form, by their paths.

    `contents` are those of the project's configs and secrets, by these words and their keys.
    """
    result: Dict[str, File] = {}
    for option, folder in _FOLDERS.items():
        for entry in service.get(option) or ():
            content = contents[option][str(entry["source"])]
            owner = (int(entry.get("uid") or 0), int(entry.get("gid") or 0))
            mode = int(str(entry["mode"]), 8) if entry.get("mode") is not None else _MODE
            target = join(folder, str(entry.get("target") or entry["source"]))
            result[target] = File(option, target, content, owner, mode)
    return result
