# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a file is by its first bytes: a raw disk has no mark of its own, so all others are known."""

from __future__ import annotations

import re
import struct
from typing import Optional, Tuple

# So much of a file is looked at; a checksum of a tar header is in its first 512 bytes.
HEAD = 4096
QCOW2 = b"QFI\xfb"
_EXTERNAL_DATA = 1 << 2
_UNPACK = "unpack it, and give the disk image that is in it"
_CONVERT = "convert it with qemu-img, or give a qcow2 or raw image"
_NAME_IT = "give it a name with that ending"
# (first bytes, what has them, what to do)
_KINDS = (
    (b"KDMV", "a VMDK image", _CONVERT),
    (b"COWD", "a VMDK image", _CONVERT),
    (b"# Disk DescriptorFile", "a VMDK descriptor, which names the files with the data", _CONVERT),
    (b"vhdxfile", "a VHDX image", _CONVERT),
    (b"conectix", "a VHD image", _CONVERT),
    (b"QED\0", "a QED image", _CONVERT),
    (b"<<< ", "a VDI image", _CONVERT),
    (b"WithoutFreeSpace", "a Parallels image", _CONVERT),
    (b"WithouFreSpacExt", "a Parallels image", _CONVERT),
    (b"\x3a\xff\x26\xed", "an Android sparse image", "convert it with simg2img"),
    (b"\x1f\x8b", "compressed with gzip, and its name does not say so", _NAME_IT),
    (b"\xfd7zXZ\0", "compressed with xz, and its name does not say so", _NAME_IT),
    (b"BZh", "compressed with bzip2, and its name does not say so", _NAME_IT),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd, which is not supported", "unpack it first"),
    (b"\x04\x22\x4d\x18", "compressed with lz4, which is not supported", "unpack it first"),
    (b"LZIP", "compressed with lzip, which is not supported", "unpack it first"),
    (b"PK\x03\x04", "a ZIP archive", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", _UNPACK),
    (b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (b"!<arch>\n", "a package or library (ar)", _UNPACK),
    (b"\xed\xab\xee\xdb", "an RPM package", _UNPACK),
    (b"070701", "a cpio archive", _UNPACK),
    (b"\x7fELF", "a program or a kernel (ELF)", "a kernel is an option of the machine"),
    (b"%PDF", "a PDF document", ""),
    (b"version https://git-lfs", "a Git LFS pointer", "fetch the file itself (git lfs pull)"),
)
_TEXTS = (
    (re.compile(rb"<!doctype|<html|<head|<body", re.I), "a web page"),
    (re.compile(rb"<\?xml|<[a-z]+[^<>]*>", re.I), "an XML document"),
    (re.compile(rb"[\[{]"), "a JSON document"),
)
_NOT_IMAGE = "check what the address serves; give a qcow2 or raw image"


def foreign(head: bytes) -> Optional[Tuple[str, str]]:
    """Say what a file is that is neither qcow2 nor a raw disk, and what to do: None if it may be.

    `head` are its first bytes, `HEAD` of them or all. Every sector of a raw disk may hold text,
    but no disk begins with 4,096 bytes of it.
    """
    for magic, what, hint in _KINDS:
        if head.startswith(magic):
            return what, hint or _NOT_IMAGE
    if _is_tar(head):
        return "a tar archive", _UNPACK
    if not _is_text(head):
        return None
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    kind = next((what for form, what in _TEXTS if form.match(start)), "a text")
    return kind, _NOT_IMAGE


def _is_tar(head: bytes) -> bool:
    """Tell whether a tar header begins the file: old ones have no mark, all have a checksum."""
    block = head[:512]
    field = block[148:156].strip(b" \0")
    if len(block) < 512 or not field or not block[0]:
        return False
    try:
        output = int(field, 8)
    except ValueError:
        return False
    return sum(block) - sum(block[148:156]) + 8 * ord(" ") == output


def _is_text(head: bytes) -> bool:
    """Tell whether all of a head is text: UTF-8, a character cut off at its end, no controls."""
    controls = re.search(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]", head)
    if controls or not head.strip():
        return False
    try:
        head[:-3].decode("utf-8", "strict")
    except UnicodeDecodeError as error:
        return error.start > len(head) - 8
    return True


def faults_of_qcow2(head: bytes, size: int) -> Optional[Tuple[str, str]]:
    """Judge a qcow2 header (QEMU docs/interop/qcow2.txt) before QEMU's own tool opens the file.

    `size` is the file's in bytes. Return what is wrong and what to do, None if nothing is.
    """
    alone = "a base image must stand alone"
    head = head.ljust(104, b"\0")
    version, backing = struct.unpack(">IQ", head[4:16])
    (bits,) = struct.unpack(">I", head[20:24])
    encrypted, entries, table, counts = struct.unpack(">IIQQ", head[32:56])
    (features,) = struct.unpack(">Q", head[72:80])
    if version not in (2, 3):
        return f"is a qcow image of version {version}", "convert it to qcow2 first"
    if backing:
        return "has a backing file", alone
    if version == 3 and features & _EXTERNAL_DATA:
        return "has an external data file", alone
    if encrypted:
        return "is encrypted", "machines could not read it"
    # Whoever wrote it had written both tables.
    if max(table + 8 * entries, counts + 8) > size or (9 <= bits <= 21 and size < 1 << bits):
        return "is cut off: its tables are not in it", "fetch it again"
    return None
