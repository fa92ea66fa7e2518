# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be known of an archive before an engine unpacks it; it is never held in memory."""

from __future__ import annotations

import sys

from ..._desired.errors import FleetError, InvalidOption
from ..._desired.safe_files import words
from ..tar.file import DAMAGED, TarFile
from ..tar.reader import BLOCK, BadArchive, Tar

_PIECE = 1 << 18


def check_whole(path: str) -> None:
    """Raise FleetError for what is no whole archive: an engine unpacks it as far as it goes.

    Damage inside of a file's data shows only in a compressed archive: tar has no sum over it.
    """
    try:
        with TarFile(path, "restore") as file:
            archive = Tar(file, sys.maxsize)  # none of it is kept
            for _member, _content in archive:
                pass
            if not archive.ended:
                raise BadArchive(DAMAGED)
            while file.read(_PIECE):
                pass
    except BadArchive as exc:
        text = f"{path} is not a complete tar archive: {exc}"
        hint = "name one that backup or tar has written to its end, compressed or not"
        raise InvalidOption(text, option="restore", hint=hint) from None
    except OSError as exc:
        raise FleetError(words(exc), option="restore") from exc


def root_as(path: str, name: str) -> bytes:
    """Return an archive of one folder `name`, like the folder that an archive is of; b"" for none.

    Engines leave alone the owner of the folder into which they unpack (Docker 20.10 to 28 its mode
    as well, Podman 5 at the first time only), and a database that finds others refuses its data.
    """
    import tarfile

    with TarFile(path, "restore") as file:
        root = next((member for member, _content in Tar(file)), None)
    if root is None or root.kind != "folder" or root.name.strip("./"):
        return b""
    result = tarfile.TarInfo(name)
    result.type = tarfile.DIRTYPE
    result.mode, result.uid, result.gid, result.mtime = root.mode, root.uid, root.gid, root.mtime
    return result.tobuf(tarfile.GNU_FORMAT) + bytes(2 * BLOCK)
