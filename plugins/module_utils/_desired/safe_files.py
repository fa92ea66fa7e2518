# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files below a folder of this machine, and files that appear whole: no link leads elsewhere.

Who sends an archive chooses the paths in it, and may send a link and then a path over it. So every
part of a path is opened in the folder before it, by handle and never through a link (openat(2),
O_NOFOLLOW). The path of the folder itself is the user's own, and may go over links.
"""

from __future__ import annotations

import collections
import contextlib
import errno
import fcntl
import hashlib
import os
import stat
from typing import Any, BinaryIO, Callable, Deque, Iterator, List, Optional, Tuple

_NO_LINK = os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC
Choose = Callable[[str, bool], Tuple[bool, bool]]
_NOT_BELOW = ("", ".", "..")
_HANDLES = 64  # a process has some thousand
_TRIES = 20


class Below:
    """What lies below one folder, by relative paths with `/`; "" is the folder itself.

    Errors are OSError with the whole path as `filename`: ELOOP where a part of the path is a link.
    """

    def __init__(self, root: str) -> None:
        self.root = root
        self._top = os.open(root, _FOLDER)
        self._at: Tuple[str, ...] = ()
        self._open: Deque[Tuple[int, int]] = collections.deque()  # (depth, handle), ascending

    def __enter__(self) -> Below:
        return self

    def __exit__(self, *_exc: object) -> None:
        for _deep, handle in self._open:
            os.close(handle)
        os.close(self._top)

    def stat(self, path: str) -> Optional[os.stat_result]:
        """Return what is at a path, a link as such; None if nothing is."""
        try:
            with self._named(path) as (folder, name):
                return os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def readlink(self, path: str) -> str:
        """Return what a link points to."""
        with self._named(path) as (folder, name):
            return os.readlink(name, dir_fd=folder)

    def names(self, path: str) -> List[str]:
        """Return the names in a folder, sorted."""
        with self._named(path) as (folder, name):
            handle = os.open(name, os.O_RDONLY | os.O_DIRECTORY | _NO_LINK, dir_fd=folder)
            try:
                return sorted(os.listdir(handle))
            finally:
                os.close(handle)

    def open(self, path: str) -> BinaryIO:
        """Return a file opened for reading; nothing but a plain file is, and none is waited for."""
        with self._named(path) as (folder, name):
            handle = os.open(name, os.O_RDONLY | os.O_NONBLOCK | _NO_LINK, dir_fd=folder)
            if stat.S_ISREG(os.fstat(handle).st_mode):
                return open(handle, "rb")
            os.close(handle)
            raise OSError(errno.EINVAL, "it is not a plain file")

    def walk(
        self, start: str = "", choose: Optional[Choose] = None
    ) -> Iterator[Tuple[str, os.stat_result, str]]:
        """Yield (path, what it is, target of a link) of all from a path on, folders before theirs.

        `choose` tells of each path, and whether it is a folder, if it is yielded and if it is
        entered. However deep it goes, no more than names is kept.
        """
        left = [start]
        while left:
            path = left.pop()
            seen = self.stat(path)
            if seen is None:
                raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), self._full(path))
            folder = stat.S_ISDIR(seen.st_mode)
            wanted, enter = choose(path, folder) if choose else (True, True)
            if wanted:
                yield path, seen, self.readlink(path) if stat.S_ISLNK(seen.st_mode) else ""
            if folder and enter:
                names = self.names(path)
                left += [f"{path}/{name}" if path else name for name in reversed(names)]

    def make(self, path: str) -> None:
        """Make a folder, for its owner alone, unless there is one."""
        with self._named(path) as (folder, name), contextlib.suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=folder)
        with self._named(path) as (folder, name):
            os.close(_enter(folder, name))

    def chmod(self, path: str, mode: int, time: Optional[float] = None) -> None:
        """Set the mode bits, and the time of change if it is given, of a folder."""
        with self._named(path) as (folder, name):
            handle = os.open(name, os.O_RDONLY | os.O_DIRECTORY | _NO_LINK, dir_fd=folder)
            try:
                os.fchmod(handle, mode)
                if time is not None:
                    os.utime(handle, (time, time))
            finally:
                os.close(handle)

    def link(self, path: str, target: str) -> None:
        """Put a link in place of what is there, which must not be a folder."""
        with self._named(path) as (folder, name):
            spare = _spare(name)
            with contextlib.suppress(FileNotFoundError):
                os.unlink(spare, dir_fd=folder)
            os.symlink(target, spare, dir_fd=folder)
            try:
                os.rename(spare, name, src_dir_fd=folder, dst_dir_fd=folder)
            except OSError:
                os.unlink(spare, dir_fd=folder)
                raise

    @contextlib.contextmanager
    def file(
        self, path: str, mode: Optional[int] = None, time: Optional[float] = None
    ) -> Iterator[Part]:
        """Write a file, which appears whole at its path when the block ends without an error."""
        with self._named(path) as (folder, name):
            part = Part(folder, name, self._full(path))
        with part:
            yield part
            with self._named(path):
                part.appear(mode, time)

    # -- the way to a path ----------------------------------------------------------------

    @contextlib.contextmanager
    def _named(self, path: str) -> Iterator[Tuple[int, str]]:
        """Give the handle of the folder that holds a path, and its last name."""
        with naming(self._full(path)):
            *folders, name = path.split("/") if path else ["."]
            if path and name in _NOT_BELOW:
                raise _outside()
            yield self._to(tuple(folders)), name

    def _full(self, path: str) -> str:
        return os.path.join(self.root, path) if path else self.root

    def _to(self, parts: Tuple[str, ...]) -> int:
        """Go to a folder, from the nearest above it that is still open."""
        both = zip(parts, self._at)
        same = next((n for n, (entry, other) in enumerate(both) if entry != other), None)
        same = min(len(parts), len(self._at)) if same is None else same
        while self._open and self._open[-1][0] > same:
            os.close(self._open.pop()[1])
        deep, handle = self._open[-1] if self._open else (0, self._top)
        self._at = parts
        for part in parts[deep:]:
            deep, handle = deep + 1, _enter(handle, part)
            self._open.append((deep, handle))
            if len(self._open) > _HANDLES:
                os.close(self._open.popleft()[1])
        return handle


def _enter(folder: int, name: str) -> int:
    if name in _NOT_BELOW:
        raise _outside()
    try:
        return os.open(name, _FOLDER | _NO_LINK, dir_fd=folder)
    except NotADirectoryError:
        if not stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise
        text = "it leads through a link, which is not followed here"
        raise OSError(errno.ELOOP, text) from None


def _outside() -> OSError:
    return OSError(errno.EINVAL, "no such path can lie below a folder")


class Part:
    """A file while it is written: it has no name where the system can do that, so that a death
    leaves nothing behind. `path` opens it meanwhile, for reading.

    Elsewhere its name is that of the file with more around it, and the next run takes it over.
    """

    def __init__(self, folder: int, name: str, full: str, private: bool = False) -> None:
        self._mode = 0o600 if private else 0o666  # and what umask leaves of that
        self._folder = os.dup(folder)
        self._name, self._full = name, full
        self._spare = _spare(name)
        self.path = ""
        try:
            handle = self._nameless() or self._spared()
        except BaseException:
            os.close(self._folder)
            raise
        self._file: BinaryIO = os.fdopen(handle, "w+b")

    def _nameless(self) -> int:
        """Return a handle of a file without a name, 0 where there is no such thing."""
        flag = getattr(os, "O_TMPFILE", 0)
        if not flag or not os.path.isdir("/proc/self/fd"):
            return 0
        try:
            handle = os.open(".", flag | os.O_RDWR | os.O_CLOEXEC, self._mode, dir_fd=self._folder)
        except OSError as error:
            if error.errno in (errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL):
                return 0
            raise
        self.path = f"/proc/self/fd/{handle}"
        return handle

    def _spared(self) -> int:
        """Return a handle of a file under the spare name, which a dead run may have left."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | _NO_LINK
        for _number in range(_TRIES):
            handle = os.open(self._spare, flags, self._mode, dir_fd=self._folder)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                mine = os.fstat(handle)
                there = os.stat(self._spare, dir_fd=self._folder, follow_symlinks=False)
                if os.path.samestat(mine, there) and stat.S_ISREG(mine.st_mode):
                    os.ftruncate(handle, 0)
                    self.path = os.path.join(os.path.dirname(self._full), self._spare)
                    return handle
            except BlockingIOError:
                os.close(handle)
                raise OSError(errno.EBUSY, "another run is writing it") from None
            except FileNotFoundError:
                pass  # it got its name meanwhile
            os.close(handle)
        raise OSError(errno.EBUSY, "another run is writing it")

    def __enter__(self) -> Part:
        return self

    def __exit__(self, *_exc: object) -> None:
        if not self._file.closed and not self.path.startswith("/proc/"):
            with contextlib.suppress(OSError):
                os.unlink(self._spare, dir_fd=self._folder)
        self._close()

    def _close(self) -> None:
        with contextlib.suppress(OSError):
            self._file.close()
        if self._folder >= 0:
            os.close(self._folder)
        self._folder = -1

    def write(self, data: bytes) -> None:
        """Add bytes; OSError names the file, which the system does not."""
        with naming(self._full):
            self._file.write(data)

    def empty(self) -> None:
        """Forget what was written."""
        with naming(self._full):
            self._file.seek(0)
            self._file.truncate(0)

    def flush(self) -> None:
        """Flush everything to the disk."""
        with naming(self._full):
            self._file.flush()
            os.fsync(self._file.fileno())

    def appear(self, mode: Optional[int] = None, time: Optional[float] = None) -> None:
        """Put the file in its place, with mode bits and time or those that new files get."""
        with naming(self._full):
            self._file.flush()
            if mode is not None:
                os.fchmod(self._file.fileno(), mode)
            if time is not None:
                os.utime(self._file.fileno(), (time, time))
            if self.path.startswith("/proc/"):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self._spare, dir_fd=self._folder)
                # With the handle of a folder Python calls linkat(2), which follows that path.
                os.link(self.path, self._spare, dst_dir_fd=self._folder)
            folder = self._folder
            os.rename(self._spare, self._name, src_dir_fd=folder, dst_dir_fd=folder)
        self._close()


@contextlib.contextmanager
def written(path: str, private: bool = False) -> Iterator[Part]:
    """Write a file, which takes the place of what is at `path` when the block calls appear().

    A `private` one is for its owner alone from the beginning.
    """
    folder, name = os.path.split(os.path.abspath(path))
    with naming(path):
        handle = os.open(folder, _FOLDER)
        try:
            part = Part(handle, name, path, private)
        finally:
            os.close(handle)
    with part:
        yield part


def mode_of(path: str) -> Optional[int]:
    """Return the mode bits of a plain file, None if there is none."""
    try:
        seen = os.lstat(path)
    except OSError:
        return None
    return stat.S_IMODE(seen.st_mode) if stat.S_ISREG(seen.st_mode) else None


def _spare(name: str) -> str:
    """Return the name beside a file under which it is put together; names have 255 bytes."""
    suffix = hashlib.sha256(os.fsencode(name)).hexdigest()[:8]
    return f".{name[:40]}.{suffix}.dockyard-part"


@contextlib.contextmanager
def naming(full: str) -> Iterator[None]:
    """Let an OSError name the whole path, where the system names a part of it or nothing."""
    try:
        yield
    except OSError as error:
        error.filename, error.filename2 = full, None
        raise


def words(error: OSError) -> str:
    """Say in one line what the system refused, with the path."""
    where: Any = error.filename
    text = error.strerror or str(error)
    return f"{where}: {text}" if where else text
