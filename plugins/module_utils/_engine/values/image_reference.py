# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Image references: the grammar of the distribution project, and the short form people write."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Tuple

from ..._desired.errors import InvalidOption

# distribution/reference, "Grammar": domain, path components, tag, digest. Compiled at use: most
# tasks need few of them.
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_DOMAIN = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = rf"{_PART}(?:/{_PART})*"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
_DIGEST = r"[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-f]{32,}"
# What older engines call the tag of an image that has none.
NAMELESS = "<none>:<none>"
_ID = r"(?:sha256:)?[0-9a-f]{64}|sha256:[0-9a-f]{6,}"


@dataclass(frozen=True)
class Reference:
    """A reference in its short form: `name` without Docker Hub's prefix, and a tag or a digest."""

    name: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.name}{tag}" + (f"@{self.digest}" if self.digest else "")

    @property
    def address(self) -> str:
        """The address in plans: `image/app:1`."""
        return f"image/{self}"


def is_id(text: str) -> bool:
    """Tell if a text is an image id, with or without `sha256:`."""
    return re.fullmatch(_ID, text) is not None


def parse_id(text: str) -> str:
    """Return a whole image id in the engine's spelling, "" for anything else."""
    bare = text[7:] if text.startswith("sha256:") else text
    return f"sha256:{bare}" if re.fullmatch("[0-9a-f]{64}", bare) else ""


def short(text: str) -> str:
    """Return a reference of the engine's in its short form (Podman gives long ones)."""
    try:
        return str(parse_reference(text, "name"))
    except InvalidOption:
        return text


def parse_reference(text: str, where: str) -> Reference:
    """Split and check a reference; a missing tag becomes `latest`.

    `docker.io/library/app:1` and `app:1` are equal. Raise InvalidOption for an id and for
    anything that the grammar does not know.
    """
    if is_id(text):
        hint = "an id cannot be built or pulled; write a name such as app:1"
        raise _bad(text, where, hint if parse_id(text) else "write the whole id, or a name")
    rest, _at, digest = text.partition("@")
    slash = rest.rfind("/")
    colon = rest.rfind(":")
    name, tag = (rest[:colon], rest[colon + 1 :]) if colon > slash else (rest, "")
    domain, path = _split_domain(name)
    _check(text, where, domain, path)
    if (colon > slash and not re.fullmatch(_TAG, tag)) or len(name) > 255:
        raise _bad(text, where, "a tag is up to 128 letters, digits, _, . and -")
    if _at and not re.fullmatch(_DIGEST, digest):
        raise _bad(text, where, "a digest is written name@sha256:…")
    if not tag and not digest:
        tag = "latest"
    short = path[8:] if not domain and path.startswith("library/") else path
    return Reference(f"{domain}/{short}" if domain else short, tag, digest)


def _split_domain(name: str) -> Tuple[str, str]:
    first, slash, rest = name.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        return "", name
    hub = first in ("docker.io", "index.docker.io")
    return ("" if hub else first), rest


def _check(text: str, where: str, domain: str, path: str) -> None:
    if domain and not re.fullmatch(_DOMAIN, domain):
        raise _bad(text, where, f"{domain} is not a registry's host[:port]")
    if not re.fullmatch(_PATH, path):
        lower = "names are lower case" if path != path.lower() else ""
        raise _bad(text, where, lower or "write [registry/]name[:tag], such as app:1")


def _bad(text: str, where: str, hint: str) -> InvalidOption:
    return InvalidOption(f"'{text}' is not an image reference", option=where, hint=hint)
