# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""NoCloud seeds: a small FAT12 file system labelled `cidata`, written and read back.

Layout after Microsoft's "FAT: General Overview of On-Disk Format" (FATGEN 1.03). Serial and dates
are fixed and files are sorted, so that equal files give equal images. FAT12 with larger clusters
holds more than any seed needs, so no second table format is written.
"""

from __future__ import annotations

import struct
from typing import Dict, Iterable, List, Mapping, NamedTuple, Tuple

from ..._desired.errors import FleetError

LABEL = "cidata"  # what cloud-init's NoCloud data source looks for

_SECTOR = 512
# Hosts with 4096-byte sectors read whole ones, and libvirt keeps volumes in such steps.
_STEP = 4096
_MAX_CLUSTERS = 4068  # fewer than 4085 make it FAT12; FATGEN advises 16 clear of the limit
_MEDIA = 0xF8  # a fixed disk
_OEM = b"dockyard"  # tells the images that this file wrote
_SERIAL = 0x0C1DA7A0
_DATE = 0x0021  # 1980-01-01, the first one of FAT
_END = 0xFFF
_BOOT = struct.Struct("<3s8sHBHBHHBHHHIIBBBI11s8s")
_ENTRY = struct.Struct("<11sBBBHHHHHHHI")
_LONG = struct.Struct("<B10sBBB12sH4s")
_VOLUME, _FILE, _LONG_NAME = 0x08, 0x20, 0x0F
_UNITS = 13  # characters of a name in one long-name entry
_FORBIDDEN = frozenset('"*/:<>?\\|')


class _Shape(NamedTuple):
    """Sizes: `cluster`, `fat` and `root` in sectors, `clusters` their number."""

    cluster: int
    fat: int
    root: int
    clusters: int

    @property
    def data(self) -> int:
        """The first sector of the data: behind the boot sector, two tables and the root."""
        return 1 + 2 * self.fat + self.root


def write(files: Mapping[str, bytes]) -> bytes:
    """Return the image that holds `files` (contents by name): its size a multiple of 4096 bytes.

    Names are printable ASCII, unique whatever their case. Raise ValueError for others, FleetError
    when the files are larger than about 127 MiB together.
    """
    names = sorted(files)
    _check_names(names)
    shape = _shape(files)
    table, data, root = [0xF00 | _MEDIA, _END], bytearray(), bytearray(_label())
    for name, short in zip(names, _short_names(names)):
        content = files[name]
        count = _ceil(len(content), shape.cluster * _SECTOR)
        first = len(table) if count else 0
        table += [*range(first + 1, first + count), _END] if count else []
        data += content.ljust(count * shape.cluster * _SECTOR, b"\0")
        root += _long_name(name, short) + _entry(short, _FILE, first, len(content))
    fat = _pack(table).ljust(shape.fat * _SECTOR, b"\0")
    image = _boot(shape) + fat + fat + root.ljust(shape.root * _SECTOR, b"\0") + data
    return image.ljust(_ceil(len(image), _STEP) * _STEP, b"\0")


def read(image: bytes) -> Dict[str, bytes]:
    """Return the files (contents by name) of an image that `write` made.

    Bytes behind the file system are ignored. Raise FleetError for any other image, or a damaged
    one.
    """
    try:
        return _read(image)
    except (IndexError, ValueError, struct.error):
        raise FleetError(
            "the seed's image is damaged or not one of ours",
            hint="remove the seed's volume, so that it is written anew",
        ) from None


def _ceil(size: int, step: int) -> int:
    return -(-size // step)


def _check_names(names: Iterable[str]) -> None:
    seen = set()
    for name in names:
        printable = name.isascii() and name.isprintable()
        if not printable or _FORBIDDEN & set(name) or name != name.strip(" ").rstrip("."):
            raise ValueError(f"{name!r} cannot be the name of a file on FAT")
        if not 0 < len(name) < 256 or name.upper() in seen:
            raise ValueError(f"{name!r} is too long or there twice")
        seen.add(name.upper())


def _shape(files: Mapping[str, bytes]) -> _Shape:
    """Return the smallest file system that holds the files."""
    entries = 1 + sum(_ceil(len(name), _UNITS) + 1 for name in files)
    root = _ceil(entries * _ENTRY.size, _SECTOR)
    for power in range(7):
        cluster = 1 << power
        count = sum(_ceil(len(content), cluster * _SECTOR) for content in files.values())
        if count <= _MAX_CLUSTERS:
            # A file system without any cluster is none.
            clusters = max(count, 1)
            return _Shape(cluster, _ceil((clusters + 2) * 3, 2 * _SECTOR), root, clusters)
    raise FleetError(
        "the machine's first configuration is too large for its seed",
        option="cloud_init",
        hint="let the machine fetch large files itself",
    )


def _boot(shape: _Shape) -> bytes:
    sectors = shape.data + shape.clusters * shape.cluster
    small = sectors if sectors < 1 << 16 else 0
    # One sector per track and one head: any number of sectors is whole tracks (mtools checks).
    head = _BOOT.pack(
        b"\xeb\x3c\x90", _OEM, _SECTOR, shape.cluster, 1, 2, shape.root * _SECTOR // _ENTRY.size,
        small, _MEDIA, shape.fat, 1, 1, 0, 0 if small else sectors,
        0x80, 0, 0x29, _SERIAL, LABEL.ljust(11).encode(), b"FAT12   ",
    )  # fmt: skip
    # Nothing where a partition table would stand, or the kernel would find partitions.
    return head.ljust(_SECTOR - 2, b"\0") + b"\x55\xaa"


def _pack(table: List[int]) -> bytes:
    """Pack 12-bit entries, two in three bytes."""
    pairs = zip(table[::2], [*table[1::2], 0])
    return b"".join((even | odd << 12).to_bytes(3, "little") for even, odd in pairs)


def _entry(short: bytes, kind: int, first: int, size: int) -> bytes:
    return _ENTRY.pack(short, kind, 0, 0, 0, _DATE, _DATE, 0, 0, _DATE, first, size)


def _label() -> bytes:
    return _entry(LABEL.ljust(11).encode(), _VOLUME, 0, 0)


def _short_names(names: List[str]) -> List[bytes]:
    """Return a short name for each file, none of them the long name of another."""
    taken = {name.upper() for name in names}
    free = (f"F{number}" for number in range(1, 3 * len(names) + 1))
    return [short.ljust(11).encode() for short in free if short not in taken][: len(names)]


def _long_name(name: str, short: bytes) -> bytes:
    """Return the entries of a long name, its last part first."""
    checksum = 0
    for byte in short:
        checksum = ((checksum & 1) << 7 | checksum >> 1) + byte & 0xFF
    count = _ceil(len(name), _UNITS)
    text = name.encode("utf-16-le")
    if len(name) % _UNITS:
        text = (text + b"\0\0").ljust(count * _UNITS * 2, b"\xff")
    entries = b""
    for number in range(count, 0, -1):
        part = text[(number - 1) * _UNITS * 2 : number * _UNITS * 2]
        order = number | (0x40 if number == count else 0)
        entries += _LONG.pack(order, part[:10], _LONG_NAME, 0, checksum, part[10:22], 0, part[22:])
    return entries


def _read(image: bytes) -> Dict[str, bytes]:
    shape = _read_boot(image)
    start = (1 + 2 * shape.fat) * _SECTOR
    root = image[start : start + shape.root * _SECTOR]
    files: Dict[str, bytes] = {}
    name = b""
    for raw in (root[at : at + _ENTRY.size] for at in range(0, len(root), _ENTRY.size)):
        if raw[0] == 0:
            break
        if raw[11] == _LONG_NAME:
            part = _LONG.unpack(raw)
            name = part[1] + part[5] + part[7] + name
        elif raw[11] == _FILE:
            first, size = struct.unpack_from("<HI", raw, 26)
            text = name.decode("utf-16-le").partition("\0")[0]
            files[text], name = _content(image, shape, first, size), b""
    return files


def _read_boot(image: bytes) -> _Shape:
    head: Tuple[int, ...] = _BOOT.unpack_from(image)
    oem, label, kind = image[3:11], image[43:54], image[54:62]
    if (oem, label, kind) != (_OEM, LABEL.ljust(11).encode(), b"FAT12   "):
        raise ValueError("not one of ours")
    cluster, fat, root = head[3], head[9], head[6] * _ENTRY.size // _SECTOR
    sectors = head[7] or head[13]
    if not cluster or len(image) < sectors * _SECTOR:
        raise ValueError("cut off")
    return _Shape(cluster, fat, root, (sectors - 1 - 2 * fat - root) // cluster)


def _content(image: bytes, shape: _Shape, first: int, size: int) -> bytes:
    """Follow a file's chain of clusters."""
    step = shape.cluster * _SECTOR
    content, cluster = bytearray(), first
    for _number in range(_ceil(size, step)):
        if not 2 <= cluster < shape.clusters + 2:
            raise ValueError("a chain that leads nowhere")
        at = shape.data * _SECTOR + (cluster - 2) * step
        content += image[at : at + step]
        (pair,) = struct.unpack_from("<H", image, _SECTOR + cluster * 3 // 2)
        cluster = pair >> 4 if cluster % 2 else pair & 0xFFF
    return bytes(content[:size])
