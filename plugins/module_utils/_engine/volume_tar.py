# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be known of an archive before an engine unpacks it; it is never held in memory."""

from __future__ import annotations

import gzip
import lzma
import tarfile
import zlib
from typing import Any

from .._desired.errors import FleetError, InvalidOption

_BROKEN = (tarfile.TarError, EOFError, gzip.BadGzipFile, lzma.LZMAError, zlib.error)
_PIECE = 1 << 18


def check_whole(path: str) -> None:
    """Raise FleetError for what is no whole archive: an engine unpacks it as far as it goes.

    Damage inside of a file's data shows only in a compressed archive: tar has no sum over it.
    """
    why = "is no archive of tar, as it is or compressed by gzip, bzip2 or xz"
    try:
        with tarfile.open(path) as archive:
            why = "is damaged, or breaks off before its end"
            _read_through(archive)
    except _BROKEN:
        hint = "name one that backup or tar has written to its end"
        raise InvalidOption(f"{path} {why}", option="restore", hint=hint) from None
    except OSError as exc:
        raise FleetError(f"{path}: {exc.strerror or exc}", option="restore") from exc


def _read_through(archive: Any) -> None:
    """Read an archive to its end; raise what tarfile and its likes raise for a broken one."""
    while archive.next() is not None:
        archive.members = []  # it would keep them all
    # It takes a broken header for the end, which is a block of zeros (POSIX, "ustar").
    archive.fileobj.seek(archive.offset)
    if archive.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise tarfile.ReadError("no end")
    while archive.fileobj.read(_PIECE):
        pass


def root_as(path: str, name: str) -> bytes:
    """Return an archive of one folder `name`, like the folder that an archive is of; b"" for none.

    Engines leave alone the owner of the folder into which they unpack (Docker 20.10 to 28 its mode
    as well, Podman 5 at the first time only), and a database that finds others refuses its data.
    """
    with tarfile.open(path) as archive:
        root = archive.next()
    if root is None or not root.isdir() or root.name.strip("./"):
        return b""
    made = tarfile.TarInfo(name)
    made.type = tarfile.DIRTYPE
    made.mode, made.uid, made.gid, made.mtime = root.mode, root.uid, root.gid, int(root.mtime)
    return made.tobuf(tarfile.GNU_FORMAT) + bytes(2 * tarfile.BLOCKSIZE)
