"""Archives that are broken in many ways, from a few good ones; the same for the same seed."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import random
import tarfile
from typing import Any, Callable, Dict, List

from .crafted import archive

_BLOCK = 512
_DIGEST = "sha256:" + "a1" * 32
_BLOB = "blobs/sha256/" + "a1" * 32
# Fields of a header (tar(5)): where they begin, and how long they are.
_FIELDS = {"name": (0, 100), "mode": (100, 8), "uid": (108, 8), "gid": (116, 8), "size": (124, 12)}
_FIELDS.update(mtime=(136, 12), kind=(156, 1), link=(157, 100), magic=(257, 8), prefix=(345, 155))
_NUMBERS = (b"\x80" + b"\xff" * 11, b"\xff" * 12, b"-1", b"77777777777", b"0", b"nan", b"\0" * 12)
_PAX = ("path", "linkpath", "size", "uid", "gid", "mtime", "GNU.sparse.map", "GNU.sparse.major")
_WORDS = (
    "nan",
    "inf",
    "-1",
    "1e400",
    "9" * 30,
    "",
    "\0",
    "../" * 9,
    "a/" * 5000,
    "/etc/passwd",
    "1",
)
_VALUES: tuple[Any, ...] = (None, 0, -1, 1e308, "", "x", [], {}, [[]], {"config": []}, True)


class Mutated:
    """Makes one archive after the other."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self._seeds = [_tree(tarfile.PAX_FORMAT), _tree(tarfile.GNU_FORMAT)]

    def one(self) -> bytes:
        """Return the next archive."""
        made = self._seed() if self.random.random() < 0.3 else self._images()
        ways: List[Callable[[bytes], bytes]] = [self._header, self._flipped, self._cut, self._pax]
        ways += [self._header, self._doubled, self._chain]
        for _number in range(self.random.choice((0, 1, 1, 1, 2, 3))):
            made = self.random.choice(ways)(made)
        packed = self.random.random()
        if packed < 0.1:
            packers: List[Callable[[bytes], bytes]] = [gzip.compress, bz2.compress, lzma.compress]
            made = self.random.choice(packers)(made)
            if packed < 0.05:
                made = self.random.choice([self._flipped, self._cut])(made)
        return made

    def _seed(self) -> bytes:
        return self.random.choice(self._seeds)

    def _images(self) -> bytes:
        """Return an archive of images whose JSON is changed somewhere."""
        tag = {"org.opencontainers.image.ref.name": "app:1"}
        entry = {"digest": _DIGEST, "size": 1, "annotations": tag}
        inner: Any = self.random.choice(
            [{"config": entry, "layers": [entry]}, {"manifests": [entry]}]
        )
        config: Any = {"config": {"Env": ["A=b"]}, "rootfs": {"diff_ids": [_DIGEST]}}
        files: Dict[str, Any] = {
            "index.json": {"manifests": [entry]},
            "manifest.json": [{"Config": _BLOB, "RepoTags": ["app:1"], "Layers": []}],
            _BLOB: self.random.choice([inner, {**inner, **config}]),
        }
        for name in list(files):
            if self.random.random() < 0.2:
                del files[name]
            elif self.random.random() < 0.4:
                files[name] = self._other(files[name])
        entries = [(name, "file", json.dumps(value).encode()) for name, value in files.items()]
        if entries and self.random.random() < 0.05:
            entries[-1] = (entries[-1][0], "file", b"[" * 50_000)
        return archive(*entries)

    def _other(self, value: Any) -> Any:
        """Return a value with one thing in it replaced."""
        if not value or not isinstance(value, (dict, list)) or self.random.random() < 0.25:
            return self.random.choice(_VALUES)
        if isinstance(value, list):
            return [self._other(value[0]), *value[1:]]
        key = self.random.choice(sorted(value))
        return {**value, key: self._other(value[key])}

    def _at(self, data: bytes) -> int:
        """Return where a header is, as a rule."""
        places = [at for at in range(0, len(data), _BLOCK) if data[at + 257 : at + 262] == b"ustar"]
        return self.random.choice(places or [0])

    def _header(self, data: bytes) -> bytes:
        """Change a field of a header, and mostly make its sum right."""
        if len(data) < _BLOCK:
            return data
        at, (start, size) = self._at(data), self.random.choice(list(_FIELDS.values()))
        value = self.random.choice([*_NUMBERS, self.random.randbytes(size), b"LKxgS1234567"])
        if size == 1:
            value = bytes([self.random.choice(b"01234567LKxgSVDX\0\xff")])
        block = bytearray(data[at : at + _BLOCK].ljust(_BLOCK, b"\0"))
        block[start : start + size] = value[:size].ljust(size, b"\0")
        if self.random.random() < 0.9:
            block[148:156] = b" " * 8
            block[148:156] = b"%06o\0 " % sum(block)
        return data[:at] + bytes(block) + data[at + _BLOCK :]

    def _flipped(self, data: bytes) -> bytes:
        made = bytearray(data)
        for _number in range(self.random.randint(1, 8) if made else 0):
            made[self.random.randrange(len(made))] = self.random.randrange(256)
        return bytes(made)

    def _cut(self, data: bytes) -> bytes:
        return data[: self.random.randint(0, len(data))]

    def _doubled(self, data: bytes) -> bytes:
        at = self._at(data)
        return data[:at] + data[at : at + self.random.randint(0, 4096)] + data[at:]

    def _pax(self, data: bytes) -> bytes:
        """Put an extended header before an entry, with strange values or lengths."""
        text = "".join(
            f"{key}={self.random.choice(_WORDS)}\n"
            for key in self.random.sample(_PAX, self.random.randint(1, 3))
        )
        records = "".join(f"{_length(line)} {line}\n" for line in text.splitlines())
        if self.random.random() < 0.2:
            records = records.replace(" ", self.random.choice(["", "  ", "9 "]), 1)
        return self._extended(data, b"x", records.encode())

    def _chain(self, data: bytes) -> bytes:
        """Put many headers in a row that only add to the next one."""
        kind = self.random.choice([b"L", b"K", b"x", b"g"])
        for _number in range(self.random.choice((1, 7, 9, 2000))):
            data = self._extended(data, kind, b"a" * self.random.choice((0, 1, 600)), 0)
            if len(data) > 1 << 20:
                break
        return data

    def _extended(self, data: bytes, kind: bytes, value: bytes, at: int = -1) -> bytes:
        at = self._at(data) if at < 0 else at
        head = tarfile.TarInfo("././@PaxHeader")
        head.type, head.size = kind, len(value)
        block = head.tobuf(tarfile.USTAR_FORMAT) + value + bytes(-len(value) % _BLOCK)
        return data[:at] + block + data[at:]


def _length(line: str) -> int:
    bare = len(line.encode()) + 2
    return bare + len(str(bare + len(str(bare))))


def _tree(form: int) -> bytes:
    """Return a tree as an engine sends one, with long names and all kinds of entries."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        for name, kind, link in (
            ("tree", tarfile.DIRTYPE, ""),
            ("tree/f", tarfile.REGTYPE, ""),
            ("tree/l", tarfile.SYMTYPE, "/nowhere"),
            ("tree/" + "long/" * 30, tarfile.DIRTYPE, ""),
            ("tree/" + "long/" * 30 + "ü", tarfile.REGTYPE, ""),
            ("tree/p", tarfile.FIFOTYPE, ""),
        ):
            made = tarfile.TarInfo(name)
            made.type, made.linkname, made.mtime = kind, link, 1.5
            made.size = 700 if kind == tarfile.REGTYPE else 0
            tar.addfile(made, io.BytesIO(b"x" * made.size))
    return buffer.getvalue()
