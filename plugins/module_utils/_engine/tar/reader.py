# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives from outside, read forwards and within bounds: engines, files and containers send them.

POSIX's ustar and pax, GNU's long names and numbers (tar(5)). Python's own module trusts an archive
in what it allocates, how deep it goes and what its numbers mean; here all that is wrong with one
is BadArchive, in words.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Dict, Iterator, List, Tuple

BLOCK = 512
# What no archive of ours or of an engine comes near to; Go's reader has the same bound for pax.
MAX_EXTENSION = 1 << 20
MAX_NAME = 1 << 15
MAX_SIZE = 1 << 44
MAX_MEMBERS = 1_000_000
_MAX_ROW = 8  # headers in a row that only add to the next one
_MAX_OWNER = (1 << 32) - 1
_MAX_TIME = 1 << 40
_PIECE = 1 << 18
_KINDS = {b"0": "file", b"\0": "file", b"7": "file", b"1": "name", b"2": "link", b"5": "folder"}
_WITHOUT_DATA = frozenset((b"1", b"2", b"3", b"4", b"5", b"6"))


class BadArchive(Exception):
    """An archive that is damaged, or goes beyond the bounds."""


@dataclass(frozen=True)
class Member:
    """One entry: `kind` is file, folder, link, name (one more name of a file), sparse or other.

    `mode` has twelve bits, `size` is what it has of data in the archive.
    """

    name: str
    kind: str
    mode: int = 0
    size: int = 0
    link: str = ""
    uid: int = 0
    gid: int = 0
    mtime: int = 0


class Content:
    """The data of one member, to be read before the next one is taken."""

    def __init__(self, source: Any, member: Member) -> None:
        self._source = source
        self._member = member
        self._left = member.size

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes, or all that is left; b"" at the end."""
        wanted = self._left if size < 0 else min(size, self._left)
        data = bytes(self._source.read(wanted)) if wanted else b""
        if len(data) < wanted:
            raise BadArchive(f"it ends within {shown(self._member.name)}")
        self._left -= len(data)
        return data

    def skip(self) -> None:
        """Pass over what is left, and what fills the last block."""
        left = self._left + -self._member.size % BLOCK
        seek = getattr(self._source, "skip", None)
        if seek is not None:
            left = seek(left)
        while left:
            data = self._source.read(min(left, _PIECE))
            if not data:
                raise BadArchive(f"it ends within {shown(self._member.name)}")
            left -= len(data)
        self._left = 0


class Tar:
    """The members of an archive, from a `source` whose read(n) gives fewer bytes only at the end.

    A source that can go forward without reading has skip(n), which returns what is left to read.
    `ended` says, after the last member, that the archive has its end, which is a block of zeros.
    """

    def __init__(self, source: Any, most: int = MAX_MEMBERS) -> None:
        self._source = source
        self._most = most
        self.ended = False

    def __iter__(self) -> Iterator[Tuple[Member, Content]]:
        for _number in range(self._most):
            member = self._next()
            if member is None:
                return
            content = Content(self._source, member)
            yield member, content
            content.skip()
        raise BadArchive(f"it holds more than {self._most:,} entries")

    def _next(self) -> Any:
        more: Dict[str, str] = {}
        for _number in range(_MAX_ROW):
            block = self._source.read(BLOCK)
            if not block or block == bytes(BLOCK):
                self.ended = bool(block)
                return None
            if len(block) < BLOCK:
                raise BadArchive("it ends within a header")
            member, kind = _header(block)
            if kind in (b"x", b"X"):
                more.update(_pax(self._extension(member)))
            elif kind == b"g":
                self._extension(member)
            elif kind in (b"L", b"K"):
                data = self._extension(member).rstrip(b"\0")
                more["path" if kind == b"L" else "linkpath"] = _text(data)
            else:
                return self._whole(member, kind, block, more)
        raise BadArchive("it has too many headers in a row")

    def _extension(self, member: Member) -> bytes:
        if member.size > MAX_EXTENSION:
            raise BadArchive(f"it has a header of {member.size} bytes")
        content = Content(self._source, member)
        data = content.read()
        content.skip()
        return data

    def _whole(self, member: Member, kind: bytes, block: bytes, more: Dict[str, str]) -> Member:
        result = _with(member, more)
        if kind == b"S":  # GNU's older sparse files: their map may go on in further blocks
            goes_on = block[482] != 0
            while goes_on:
                block = self._source.read(BLOCK)
                if len(block) < BLOCK:
                    raise BadArchive("it ends within a header")
                goes_on = block[504] != 0
        if kind in _WITHOUT_DATA:
            result = replace(result, size=0)
        if result.kind == "file" and result.name.endswith("/"):
            result = replace(result, kind="folder")
        _bounded(result)
        return result


def _header(block: bytes) -> Tuple[Member, bytes]:
    plain = block[:148] + b" " * 8 + block[156:]
    output = _number(block[148:156], "checksum")
    # Old programs took bytes for numbers with a sign.
    if output not in (sum(plain), sum(plain) - 256 * sum(byte > 127 for byte in plain)):
        raise BadArchive("a header is damaged, or it is no archive")
    kind = block[156:157]
    name = _cut(block[:100])
    if block[257:263] == b"ustar\0" and block[345] and kind != b"S":
        name = _cut(block[345:500]) + b"/" + name
    what = "sparse" if kind == b"S" else _KINDS.get(kind, "other")
    member = Member(
        name=_text(name),
        kind=what,
        mode=_number(block[100:108], "mode") & 0o7777,
        uid=_number(block[108:116], "owner"),
        gid=_number(block[116:124], "group"),
        size=_number(block[124:136], "size"),
        mtime=_number(block[136:148], "time"),
        link=_text(_cut(block[157:257])),
    )
    if member.size < 0:
        raise BadArchive("a header has a size below zero")
    return member, kind


def _cut(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _number(field: bytes, what: str) -> int:
    """Return a number: octal digits, or with its first bit set binary (GNU)."""
    if field[0] in (0x80, 0xFF):
        value = int.from_bytes(field[1:], "big")
        return value - (1 << 8 * (len(field) - 1)) if field[0] == 0xFF else value
    text = _cut(field).strip()
    try:
        return int(text or b"0", 8)
    except ValueError:
        raise BadArchive(f"a header has a {what} that is not a number") from None


def _pax(data: bytes) -> Dict[str, str]:
    """Return the records `LENGTH KEY=VALUE` and a line feed of an extended header."""
    records: Dict[str, str] = {}
    while data:
        digits, blank, _rest = data[:12].partition(b" ")
        length = int(digits) if blank and digits.isdigit() else 0
        record, data = data[:length], data[length:]
        key, equals, value = record[len(digits) + 1 : -1].partition(b"=")
        if not equals or not record.endswith(b"\n") or len(record) != length:
            raise BadArchive("an extended header is damaged")
        records[_text(key)] = _text(value)
    return records


def _with(member: Member, more: Dict[str, str]) -> Member:
    numbers = {"size": "size", "uid": "owner", "gid": "group"}
    result: Dict[str, Any] = {
        key: _digits(more[key], numbers[key]) for key in numbers if key in more
    }
    if "mtime" in more:
        result["mtime"] = _time(more["mtime"])
    if "path" in more:
        result["name"] = more["path"]
    if "linkpath" in more:
        result["link"] = more["linkpath"]
    if member.kind == "file" and any(key.startswith("GNU.sparse.") for key in more):
        result["kind"] = "sparse"
    return replace(member, **result)


def _digits(text: str, what: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 20):
        raise BadArchive(f"a header has a {what} that is not a number")
    return int(text)


def _time(text: str) -> int:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not abs(value) < _MAX_TIME:
        raise BadArchive("a header has a time that is not a number")
    return int(value)


def _bounded(member: Member) -> None:
    """Raise BadArchive for what no file system has."""
    name = shown(member.name)
    wrong: List[str] = []
    if "\0" in member.name or "\0" in member.link:
        wrong.append("its name contains a zero byte")
    if max(len(member.name), len(member.link)) > MAX_NAME:
        wrong.append(f"its name has more than {MAX_NAME} letters")
    if not 0 <= member.uid <= _MAX_OWNER or not 0 <= member.gid <= _MAX_OWNER:
        wrong.append("its owner or group is not the number of a user")
    if member.size > MAX_SIZE:
        wrong.append(f"its size is {member.size} bytes")
    if abs(member.mtime) >= _MAX_TIME:
        wrong.append("its time is out of range")
    if wrong:
        raise BadArchive(f"{name}: {wrong[0]}")


def shown(name: str) -> str:
    """Return a name from an archive in short, for a message."""
    return name if len(name) <= 80 else f"{name[:40]}…{name[-30:]}"
