# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has come of images during this run, so that many receivers cost the sender one read.

It lies in the run's own temporary folder, by digest, and goes with it. Forks share it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from typing import Any, BinaryIO, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple

from ...module_utils._desired.errors import FleetError
from ...module_utils._engine.tar.reader import BadArchive

_MIB = 1 << 20
# Bytes of layers that are kept for further hosts, and those that stay free on the disk.
MOST = 16 << 30
_SPARE = 256 * _MIB


class Store:
    """Blobs and notes in a folder, which is made."""

    def __init__(self, folder: str, most: int = MOST) -> None:
        self._folder = folder
        self._most = most
        os.makedirs(folder, mode=0o700, exist_ok=True)

    @contextlib.contextmanager
    def turn(self, what: str) -> Iterator[None]:
        """Keep the other processes of this run from reading the same thing at the same time."""
        with open(self._path(what, "lock"), "wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def noted(self, what: str) -> Any:
        """Return what was noted under a key, None if nothing was."""
        try:
            with open(self._path(what, "note"), encoding="utf-8") as file:
                return json.load(file)
        except FileNotFoundError:
            return None

    def note(self, what: str, value: Any) -> None:
        """Note JSON-able values under a key."""
        with self._new() as file:
            file.write(json.dumps(value).encode("utf-8"))
            file.flush()
            os.replace(file.name, self._path(what, "note"))

    def has(self, digest: str) -> bool:
        """Tell whether a blob has come."""
        return os.path.exists(self._path(digest, "blob"))

    def open(self, digest: str) -> Optional[BinaryIO]:
        """Return a blob, opened for reading, None if it has not come yet. It stays readable."""
        try:
            file = open(self._path(digest, "blob"), "rb")  # noqa: SIM115 - the caller's
        except FileNotFoundError:
            return None
        os.utime(file.fileno())
        return file

    def keep(self, pieces: Iterable[bytes], size: int, digest: str = "") -> str:
        """Keep a blob of `size` bytes; return its digest. BadArchive if that is another one."""
        self._make_room(size)
        summed = hashlib.sha256()
        with self._new() as file:
            for piece in pieces:
                summed.update(piece)
                file.write(piece)
            file.flush()
            name = f"sha256:{summed.hexdigest()}"
            if name != digest and digest:
                raise BadArchive(f"what came for {digest} is {name}")
            os.replace(file.name, self._path(name, "blob"))
        return name

    def _make_room(self, size: int) -> None:
        """Remove what was used least recently; FleetError if the disk has no room."""
        blobs = self._blobs()
        total = sum(entry[1] for entry in blobs)
        while blobs and total + size > self._most:
            _used, weight, path = blobs.pop(0)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            total -= weight
        free = shutil.disk_usage(self._folder).free
        if free < size + _SPARE:
            raise FleetError(
                f"a layer of {size / _MIB:.0f} MiB does not fit on this machine, where "
                f"{self._folder} has {free / _MIB:.0f} MiB left",
                hint="let ANSIBLE_LOCAL_TEMP name a folder with more room",
            )

    def _blobs(self) -> List[Tuple[float, int, str]]:
        seen: Dict[str, os.stat_result] = {}
        for entry in os.scandir(self._folder):
            if entry.name.endswith(".blob"):
                with contextlib.suppress(FileNotFoundError):
                    seen[entry.path] = entry.stat()
        return sorted((info.st_mtime, info.st_size, path) for path, info in seen.items())

    @contextlib.contextmanager
    def _new(self) -> Iterator[Any]:
        """Give a file that is removed unless it gets another name in the block."""
        with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as file:
            try:
                yield file
            finally:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(file.name)

    def _path(self, what: str, kind: str) -> str:
        name = hashlib.sha256(what.encode("utf-8")).hexdigest()
        return os.path.join(self._folder, f"{name}.{kind}")


def close_all(blobs: Mapping[str, BinaryIO]) -> None:
    """Close what open() has given."""
    for blob in blobs.values():
        blob.close()
