# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An archive in a file of this machine, compressed or not, for reader.Tar to read."""

from __future__ import annotations

import os
from typing import IO, Any, List, Tuple, Type

from ..._desired.errors import InvalidOption
from .reader import BadArchive

# What gzip can come to at most is 1,032 times as much; archives of images come to a tenth of that.
_MOST_TIMES = 2000
_FREE = 64 << 20
_TOO_MUCH = f"it unpacks to more than {_MOST_TIMES:,} times its size"
_PIECE = 1 << 18
_ZSTD = b"\x28\xb5\x2f\xfd"
_PACKED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", _ZSTD)
DAMAGED = "it is damaged or truncated"


class TarFile:
    """A file as the bytes of its archive, from the start on; OSError if it cannot be opened.

    Damage is BadArchive, and so is a file that comes to thousands of times its size.
    """

    def __init__(self, path: str, option: str) -> None:
        self._size = os.stat(path).st_size
        self._plain = not _magic(path).startswith(_PACKED)
        self._file: Any = unpacked(path, option)
        self._most = most(path)

    def __enter__(self) -> TarFile:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._file.close()

    def read(self, size: int) -> bytes:
        """Return `size` bytes, fewer only at the end."""
        try:
            data = bytes(self._file.read(size))
        except _broken():
            raise BadArchive(DAMAGED) from None
        except OSError as exc:
            if exc.errno is None:  # how bz2 says it
                raise BadArchive(DAMAGED) from None
            raise
        if self._file.tell() > self._most:
            raise BadArchive(_TOO_MUCH)
        return data

    def skip(self, size: int) -> int:
        """Go forward, as far as that needs no reading; return how far is left."""
        if not self._plain:
            return size
        at = self._file.tell()
        to = min(at + size, max(self._size, at))
        self._file.seek(to)
        return int(at + size - to)

    def tell(self) -> int:
        """Return how many bytes came before."""
        return int(self._file.tell())

    def seek(self, at: int) -> None:
        """Go to a place that was read before."""
        self._file.seek(at)


def _broken() -> Tuple[Type[BaseException], ...]:
    import gzip
    import lzma
    import zlib

    kinds: Tuple[Type[BaseException], ...] = (EOFError, gzip.BadGzipFile, lzma.LZMAError)
    zstd = _zstd_of_python()
    return (*kinds, zlib.error, *((zstd.ZstdError,) if zstd else ()))


def _magic(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(6)


def unpacked(path: str, option: str) -> IO[bytes]:
    """Return a file opened for reading, without its compression by gzip, bzip2, xz or zstd.

    Raise InvalidOption if nothing here can take it away.
    """
    magic = _magic(path)
    if magic.startswith(b"\x1f\x8b"):
        import gzip

        # It reads bytes as IO does; its type is another one.
        return gzip.open(path)  # type: ignore[return-value]
    if magic.startswith((b"BZh", b"\xfd7zXZ")):
        import bz2
        import lzma

        return bz2.open(path) if magic.startswith(b"BZh") else lzma.open(path)
    return without_zstd(path, option)


def without_zstd(path: str, option: str) -> IO[bytes]:
    """Open an archive; what zstd has packed is unpacked, since Docker 20.10 cannot do that.

    Raise InvalidOption if nothing here can.
    """
    if not _magic(path).startswith(_ZSTD):
        return open(path, "rb")
    zstd = _zstd_of_python()
    if zstd:
        result: IO[bytes] = zstd.open(path)
        return result
    import shutil

    program = shutil.which("zstd")
    if program is None:
        raise InvalidOption(
            f"{path} is packed by zstd, which nothing on this machine can unpack",
            option=option,
            hint="install zstd here, or unpack it",
        )
    return _by_program([program, "-dcq", "--", path], most(path))


def _zstd_of_python() -> Any:
    """Return the module of Python 3.14, None before."""
    import importlib

    try:
        return importlib.import_module("compression.zstd")
    except ImportError:
        return None


def _by_program(command: List[str], limit: int) -> IO[bytes]:
    """Return what a program prints, in a file without a name; BadArchive if it fails."""
    import contextlib
    import subprocess
    import tempfile

    with contextlib.ExitStack() as until_whole:
        content = until_whole.enter_context(tempfile.TemporaryFile())
        # The core knows no AnsibleModule, whose run_command would keep all of the output.
        done = subprocess.Popen(  # pylint: disable=ansible-bad-function
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        with done, contextlib.ExitStack() as at_last:
            at_last.callback(done.kill)
            printed: Any = done.stdout
            for piece in iter(lambda: printed.read(_PIECE), b""):
                content.write(piece)
                if content.tell() > limit:
                    raise BadArchive(_TOO_MUCH)
            if done.wait() != 0:
                raise BadArchive(DAMAGED)
        content.seek(0)
        until_whole.pop_all()
        return content


def most(path: str) -> int:
    """Return how many bytes an archive may come to."""
    return os.stat(path).st_size * _MOST_TIMES + _FREE
