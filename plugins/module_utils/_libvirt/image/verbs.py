# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a base image: bring its bytes, verify them, and turn them into a qcow2 volume."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import lzma
import os
import subprocess
import zlib
from typing import Any, Callable, Dict, List, Sequence

from ..._desired.errors import FleetError
from ..._desired.terminal_text import visible
from ..client.abandoned import go_on
from . import files
from .checksum import Checksum
from .desired import Desired
from .download import PIECE, download
from .formats import HEAD, QCOW2, faults_of_qcow2, foreign

_UNPACK: Dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


_SECTOR = 512
# qemu-img check(1): leaked clusters waste space, and nothing else.
_LEAKS = 3
# Lines that are quoted of what it says; a damaged image has thousands.
_LINES = 3


def write_image(desired: Desired, checksum: Checksum, folder: str) -> str:
    """Make the volume of a base image in a pool's folder; return its path.

    Raise FleetError, leaving nothing behind but a download that can go on.
    """
    stem = desired.stem(checksum)
    with files.making(folder, stem):
        transfer = copy if desired.path else download
        path = transfer(desired, folder, stem)
        _verify(desired, checksum, path)
        path = _unpacked(desired, path, folder, stem)
        if _format(desired, path) == "raw":
            path = _converted(desired, path, folder, stem)
        return files.publish(path, folder, stem)


def copy(desired: Desired, folder: str, stem: str) -> str:
    """Copy a local image into a temporary file, leaving out zeros; return its path."""
    target = files.part(folder, stem, "copy")
    with open(desired.path, "rb") as source:
        _sparsely(source, target)
    return target


def _sparsely(source: Any, target: str) -> None:
    with open(files.create(target), "wb") as out:
        for piece in iter(lambda: source.read(PIECE), b""):
            go_on()
            if piece.count(0) == len(piece):
                out.seek(len(piece), os.SEEK_CUR)
            else:
                # What an archive says of its size is not believed: it is what is free that counts.
                files.need_room(os.path.dirname(target), len(piece))
                out.write(piece)
        out.truncate()


def digest_of(path: str, algorithm: str) -> str:
    """Return a file's checksum in hexadecimal digits."""
    result = hashlib.new(algorithm)
    with open(path, "rb") as source:
        for piece in iter(lambda: source.read(PIECE), b""):
            go_on()
            result.update(piece)
    return result.hexdigest()


def _verify(desired: Desired, checksum: Checksum, path: str) -> None:
    digest = digest_of(path, checksum.algorithm)
    if digest != checksum.hex:
        raise FleetError(
            f"{desired.source} has the {checksum.algorithm} checksum {digest},"
            f" and not {checksum.hex}",
            option="checksum",
            hint="the file is not the one that was declared; nothing of it was kept",
        )


def _unpacked(desired: Desired, path: str, folder: str, stem: str) -> str:
    """Unpack a file whose published name says how it is compressed; return the path of it."""
    unpack = _UNPACK.get(os.path.splitext(desired.file)[1].lower())
    if unpack is None:
        return path
    target = files.part(folder, stem, "unpacked")
    try:
        with unpack(path, "rb") as source:
            _sparsely(source, target)
    except (EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile) as error:
        raise _refused(desired, f"cannot be unpacked: {error}") from None
    except OSError as error:
        if error.errno is None:  # bz2 has no error class of its own
            raise _refused(desired, f"cannot be unpacked: {error}") from None
        raise
    files.remove(path)
    return target


def _format(desired: Desired, path: str) -> str:
    """Return qcow2 or raw; raise FleetError for what cannot be a base image, or must not be.

    An image that names other files would let whoever made it read files of the host.
    """
    with open(path, "rb") as source:
        head = source.read(HEAD)
    if not head:
        raise _refused(desired, "is empty")
    if head.startswith(QCOW2):
        fault = faults_of_qcow2(head, os.path.getsize(path))
        if fault is not None:
            raise _refused(desired, *fault)
        _check_info(desired, path)
        return "qcow2"
    other = foreign(head)
    if other is not None:
        raise _refused(desired, f"is {other[0]}", other[1])
    if len(head) < _SECTOR:
        raise _refused(desired, f"has {len(head)} bytes, less than a sector", "give a disk image")
    return "raw"


def _check_info(desired: Desired, path: str) -> None:
    answer = _qemu_img(desired, ["info", "-U", "--output=json", "-f", "qcow2", path])
    seen = json.loads(answer)
    inner = (seen.get("format-specific") or {}).get("data") or {}
    if seen.get("backing-filename") or inner.get("data-file"):
        raise _refused(desired, "names other files", "a base image must stand alone")
    _qemu_img(desired, ["check", "-U", "-q", "-f", "qcow2", path], fine=(0, _LEAKS))


def _converted(desired: Desired, path: str, folder: str, stem: str) -> str:
    target = files.part(folder, stem, "qcow2")
    # As much as its data takes; holes take nothing in either form.
    files.need_room(folder, os.stat(path).st_blocks * _SECTOR)
    os.close(files.create(target))
    _qemu_img(desired, ["convert", "-f", "raw", "-O", "qcow2", path, target])
    return target


def _qemu_img(desired: Desired, words: List[str], fine: Sequence[int] = (0,)) -> str:
    try:
        # The core knows no AnsibleModule, whose run_command this would be.
        done = subprocess.run(  # pylint: disable=ansible-bad-function
            ["qemu-img", *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        raise FleetError(
            "qemu-img is not on the KVM host",
            address=desired.address,
            hint="install qemu-utils there (the role kvm_host does)",
        ) from None
    if done.returncode not in fine:
        output = visible("; ".join(done.stderr.split("\n")[:_LINES]).strip("; "))
        if "No space left" in output:
            raise files.full(os.path.dirname(words[-1]))
        raise _refused(desired, f"is refused by qemu-img {words[0]}: {output}")
    return done.stdout


def _refused(desired: Desired, what: str, hint: str = "") -> FleetError:
    return FleetError(f"{desired.source} {what}", option=desired.option, hint=hint or None)
