# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checksums as users declare them, and the checksum files that distributions publish."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import Any, Iterator, List, Tuple

from .._desired.errors import FleetError, InvalidOption

# Hexadecimal digits by algorithm, strongest last. MD5 and SHA-1 can be forged.
DIGITS = {"sha256": 64, "sha384": 96, "sha512": 128}
_FORM = "write sha256:HEX, sha512:HEX, or the address of a checksum file"
_HEX = re.compile(r"[0-9a-fA-F]+")
# `SHA256 (name) = hex` (BSD: Fedora, Rocky) and `hex  name`, `hex *name`, `hex` (GNU: the others).
_BSD = re.compile(r"[A-Za-z0-9/-]+ ?\((?P<name>.+)\) ?= ?(?P<hex>[0-9a-fA-F]+)")
_GNU = re.compile(r"\\?(?P<hex>[0-9a-fA-F]{32,128})(?:[ \t]+\*?(?P<name>\S.*))?")


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
            f"'{algorithm}' is not an algorithm that is trusted",
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


def find(text: str, wanted: str, checksum: Checksum) -> Checksum:
    """Return the checksum of the file `wanted` out of a checksum file's text.

    GNU and BSD lines and a bare checksum are understood, in a PGP-signed text too (the signature
    is not verified). A file with one entry is about the file asked for, whatever it is called
    there. Raise FleetError if there is none, or none that is trusted.
    """
    entries = list(_entries(text))
    named = [digest for name, digest in entries if posixpath.basename(name) == wanted]
    if not named and len({digest for _name, digest in entries}) == 1:
        named = [entries[0][1]]
    if not named:
        raise FleetError(
            f"{checksum.file} does not list {wanted}",
            option="checksum",
            hint="give the URL of a release by its own name, or the checksum itself",
        )
    trusted = _trusted(named, checksum.algorithm)
    if not trusted:
        asked = checksum.algorithm or ", ".join(DIGITS)
        raise FleetError(
            f"{checksum.file} has no {asked} checksum of {wanted}",
            option="checksum",
            hint="give the checksum itself",
        )
    algorithm, digest = max(trusted, key=lambda one: DIGITS[one[0]])
    return Checksum(algorithm, digest, checksum.file)


def _trusted(digests: List[str], algorithm: str) -> List[Tuple[str, str]]:
    names = {digits: name for name, digits in DIGITS.items()}
    found = [(names.get(len(digest), ""), digest) for digest in digests]
    return [one for one in found if one[0] and algorithm in ("", one[0])]


def _entries(text: str) -> Iterator[Tuple[str, str]]:
    """Yield (name, hex) of each line that holds a checksum; "" as the name of a bare one."""
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("-----BEGIN PGP SIGNATURE"):
            return
        if line.startswith("- "):  # RFC 4880, 7.1: dash-escaped text
            line = line[2:]
        found = _BSD.fullmatch(line) or _GNU.fullmatch(line)
        if found and not line.startswith("#"):
            yield found["name"] or "", found["hex"].lower()
