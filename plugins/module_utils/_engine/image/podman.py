# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The instructions of an import as Podman reads them, which is not as a Dockerfile is read.

It takes what follows LABEL, ENV, USER and the like as it stands, quotes included, and one pair
or port of each; ONBUILD it drops, and HEALTHCHECK and SHELL it does not know (seen on 5.4 and 5.8).
"""

from __future__ import annotations

import shlex
from typing import Iterator, List, Tuple

from ..._desired.errors import InvalidOption

_PLAIN = ("CMD", "ENTRYPOINT", "VOLUME")
_SINGLE = ("STOPSIGNAL", "USER", "WORKDIR")
_PAIRS = ("ENV", "LABEL")


def import_changes(changes: Tuple[str, ...]) -> List[str]:
    """Return instructions of a Dockerfile as Podman takes them; InvalidOption for others."""
    return [
        line
        for number, change in enumerate(changes)
        for line in _lines(change.strip(), f"import.changes[{number}]")
    ]


def _lines(change: str, where: str) -> Iterator[str]:
    parts = change.split(None, 1)
    word, rest = parts[0].upper() if parts else "", parts[1] if len(parts) > 1 else ""
    if word in _PLAIN:
        yield f"{word} {rest}"
        return
    if word not in (*_SINGLE, *_PAIRS, "EXPOSE"):
        known = ", ".join(sorted((*_PLAIN, *_SINGLE, *_PAIRS, "EXPOSE")))
        raise InvalidOption(
            f"podman cannot import with {word or 'an empty instruction'}",
            option=where,
            hint=f"it knows {known}; build the image from a Dockerfile for others",
        )
    try:
        words = shlex.split(rest)
    except ValueError as exc:
        raise InvalidOption(f"'{change}': {exc}", option=where) from None
    if word in _PAIRS and "=" not in rest.split(None, 1)[0]:
        key, _blank, value = rest.partition(" ")
        words = [f"{key}={value.strip()}"]  # the old form, of one variable without =
    if word in _SINGLE:
        words = [" ".join(words)]
    yield from (f"{word} {entry}" for entry in words)
