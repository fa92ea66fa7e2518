# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checksums as users declare them, and the checksum files that distributions publish."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import Any, Iterator, List, Tuple

from ..._desired.errors import FleetError, InvalidOption

# Hexadecimal digits by algorithm, strongest last. MD5 and SHA-1 can be forged.
DIGITS = {"sha256": 64, "sha384": 96, "sha512": 128}
_FORM = "write sha256:HEX, sha512:HEX, or the address of a checksum file"
_HEX = re.compile(r"[0-9a-fA-F]+")
# What algorithms of ours are called in lines that name theirs.
_LABELS = {"sha256": "sha256", "sha384": "sha384", "sha512": "sha512"}
_LABELS.update({f"sha2{digits}": f"sha{digits}" for digits in ("256", "384", "512")})
# `SHA256 (name) = hex` (BSD: Fedora, Rocky) and `hex  name`, `hex *name`, `hex` (GNU: the others).
_BSD = re.compile(r"(?P<label>[A-Za-z0-9/_-]+) ?\((?P<name>.+)\) ?= ?(?P<hex>[0-9a-fA-F]+)")
_GNU = re.compile(r"\\?(?P<hex>[0-9a-fA-F]{32,128})(?:[ \t]+\*?(?P<name>\S.*))?")
# `# SHA512 HASH` before the lines that it is about (Gentoo's DIGESTS).
_TITLE = re.compile(r"# ?(?P<label>[A-Za-z0-9/_-]+) HASH", re.I)
# Other algorithms have digits as many as ours: a file that is named after one has no line of ours.
_OTHERS = re.compile(
    r"b2sum|blake|b3sum|sha3|sha-?512[._/-]256|whirlpool|keccak|sm3|streebog", re.I
)


@dataclass(frozen=True)
class Checksum:
    """A checksum: `hex` in small letters, or `file`, the URL or path of the file that has it.

    `algorithm` is "" when it is the file that tells.
    """

    algorithm: str
    hex: str = ""
    file: str = ""

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"


def parse_checksum(value: Any, where: str) -> Checksum:
    """Return a declared checksum; raise InvalidOption, naming what would be right."""
    text = str(value).strip()
    if is_address(text):
        return Checksum("", file=text)
    algorithm, colon, rest = text.partition(":")
    algorithm = algorithm.lower()
    if not colon:
        raise InvalidOption("names no algorithm", option=where, hint=_FORM)
    if algorithm not in DIGITS:
        raise InvalidOption(
            f"'{algorithm}' is not a trusted algorithm",
            option=where,
            hint=f"use one of {', '.join(DIGITS)}",
        )
    if is_address(rest):
        return Checksum(algorithm, file=rest)
    if not _HEX.fullmatch(rest) or len(rest) != DIGITS[algorithm]:
        raise InvalidOption(
            f"is not a {algorithm} checksum: {DIGITS[algorithm]} hexadecimal digits are needed",
            option=where,
            hint=_FORM,
        )
    return Checksum(algorithm, rest.lower())


def is_address(text: str) -> bool:
    """Tell whether a text is a URL or an absolute path."""
    return text.startswith(("/", "http://", "https://", "file:"))


@dataclass(frozen=True)
class _Entry:
    """A line: the file's name, "" for a bare checksum; the label of its algorithm, "" if none."""

    name: str
    hex: str
    label: str = ""


def find(text: str, wanted: str, checksum: Checksum) -> Checksum:
    """Return the checksum of the file at the path `wanted` out of a checksum file's text.

    GNU and BSD lines, titled ones and a bare checksum are understood, in a PGP-signed text too (the
    signature is not verified). An algorithm is the one that is named; where none is, the number of
    digits tells. A file with one entry is about the file asked for, whatever it is called there.
    Raise FleetError if there is none, none that is trusted, or two that differ.
    """
    name = posixpath.basename(wanted)
    entries = _about(list(_entries(text)), wanted)
    if not entries:
        raise FleetError(
            f"{checksum.file} does not list {name}",
            option="checksum",
            hint="give the URL of a release by its own name, or the checksum itself",
        )
    trusted = sorted(_trusted(entries, checksum), key=lambda entry: DIGITS[entry[0]])
    if not trusted:
        asked = checksum.algorithm or ", ".join(DIGITS)
        raise FleetError(
            f"{checksum.file} has no {asked} checksum of {name}",
            option="checksum",
            hint="give the checksum itself",
        )
    algorithm, digest = trusted[-1]
    if any(other != digest for which, other in trusted if which == algorithm):
        raise FleetError(
            f"{checksum.file} has several {algorithm} checksums of {name}, in folders that the "
            "address does not tell apart",
            option="checksum",
            hint="give the checksum itself",
        )
    return Checksum(algorithm, digest, checksum.file)


def _about(entries: List[_Entry], wanted: str) -> List[_Entry]:
    """Return the entries whose names agree most with the end of a path: one may list folders."""
    agreed = [(_agreement(entry.name, wanted), entry) for entry in entries]
    most = max((score for score, _entry in agreed), default=0)
    if most:
        return [entry for score, entry in agreed if score == most]
    return entries if len({entry.hex for entry in entries}) == 1 else []


def _agreement(name: str, wanted: str) -> int:
    """Return how well a name agrees with a path: by its last parts, and more if it has no others.

    0 if not even the file is called so.
    """
    parts, path = posixpath.normpath(name).split("/"), wanted.split("/")
    pairs = zip(reversed(parts), reversed(path))
    common = next((n for n, (entry, other) in enumerate(pairs) if entry != other), len(parts))
    common = min(common, len(path))
    return 2 * common + (common == len(parts)) if common else 0


def _trusted(entries: List[_Entry], checksum: Checksum) -> List[Tuple[str, str]]:
    names = {digits: name for name, digits in DIGITS.items()}
    guess = not _OTHERS.search(posixpath.basename(checksum.file))
    result = []
    for entry in entries:
        plain = entry.label.lower().replace("-", "").replace("_", "")
        told = (
            _LABELS.get(plain, "")
            if entry.label
            else names.get(len(entry.hex), "")
            if guess
            else ""
        )
        if told and DIGITS[told] == len(entry.hex) and checksum.algorithm in ("", told):
            result.append((told, entry.hex))
    return result


def _entries(text: str) -> Iterator[_Entry]:
    """Yield each line that holds a checksum."""
    title = ""
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("-----BEGIN PGP SIGNATURE"):
            return
        if line.startswith("- "):  # RFC 4880, 7.1: dash-escaped text
            line = line[2:]
        titled = _TITLE.fullmatch(line)
        title = titled["label"] if titled else title
        bsd = _BSD.fullmatch(line)
        match = bsd or _GNU.fullmatch(line)
        if match and not line.startswith("#"):
            label = bsd["label"] if bsd else title
            yield _Entry(match["name"] or "", match["hex"].lower(), label)
