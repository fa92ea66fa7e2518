# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names by which the releases of a stack, and the images that they need, stay on an engine."""

from __future__ import annotations

import re
from typing import Optional, Tuple

# No registry has this host, so that nothing is ever pulled or pushed by these names.
REPOSITORY = "dockyard.fleet/releases"
# The longest tag (distribution/reference, "Grammar").
LONGEST = 128
_TAG = re.compile(
    r"(?P<project>[a-z0-9][a-z0-9_-]*)\.(?P<serial>[1-9][0-9]{0,8})(?:\.(?P<service>.+))?"
)
_WORD = re.compile(r"[A-Za-z0-9_.-]+")


def release_tag(project: str, serial: int, service: str = "") -> str:
    """Return the tag of a release, or of the image that a service of it runs."""
    return f"{project}.{serial}" + (f".{service}" if service else "")


def release_name(project: str, serial: int, service: str = "") -> str:
    """Return the reference with that tag."""
    return f"{REPOSITORY}:{release_tag(project, serial, service)}"


def read_name(reference: str) -> Optional[Tuple[str, int, str]]:
    """Return project, serial and service, "" for the release itself; None for another name."""
    name, _colon, tag = reference.partition(":")
    match = _TAG.fullmatch(tag) if name == REPOSITORY else None
    return match and (match["project"], int(match["serial"]), match["service"] or "")


def can_be_tagged(project: str, service: str) -> bool:
    """Tell whether a service's image can have such a name, with any serial."""
    whole = release_tag(project, 10**9 - 1, service)
    return bool(_WORD.fullmatch(whole)) and len(whole) <= LONGEST
