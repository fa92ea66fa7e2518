# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that a declaration repeats, such as a password in a command: a release names them only.

A text with one becomes a mapping of the key PARTS, in whose list a secret is a list: what it is of
(`environment` with service and name, or `secrets` with the key).
"""

from __future__ import annotations

import re
from base64 import b64decode
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from .service import Project

PARTS = "dockyard.fleet.parts"
# Shorter texts are in many words, and most of them are no secrets.
_LONG = 8

Place = Tuple[str, ...]
# Turns a JSON-like value into one without secrets, or into one with them again.
Turn = Callable[[Any], Any]


def sealing(project: Project) -> Turn:
    """Return what replaces the secrets of a project in a value by the places that they are from."""
    places: Dict[str, Place] = {}
    for key, content in sorted(project.contents["secrets"].items()):
        places.setdefault(_text(content), ("secrets", key))
    for service, entry in sorted(project.services.items()):
        for name, value in sorted((entry.get("secret_environment") or {}).items()):
            places.setdefault(str(value), ("environment", service, name))
    texts = sorted((text for text in places if len(text) >= _LONG), key=len, reverse=True)
    if not texts:
        return lambda value: value
    pattern = re.compile("|".join(map(re.escape, texts)))
    return lambda value: _walked(value, lambda text: _sealed(text, pattern, places))


def opening(values: Mapping[str, Any], missing: Callable[[Place], None]) -> Turn:
    """Return what puts secrets into a value, given those of today as a task has them in
    `secret_values`; `missing` is called with the place of one that there is not."""

    def known(place: Place) -> str:
        text = _value(values, place)
        if text is None:
            missing(place)
        return text or ""

    def turn(value: Any) -> Any:
        if isinstance(value, dict) and isinstance(value.get(PARTS), list):
            parts = value[PARTS]
            return "".join(p if isinstance(p, str) else known(tuple(map(str, p))) for p in parts)
        return _inner(value, turn)

    return turn


def _value(values: Mapping[str, Any], place: Place) -> Optional[str]:
    entry: Any = values
    for key in place:
        entry = entry.get(key) if isinstance(entry, dict) else None
    if entry is None or isinstance(entry, dict):
        return None
    return _text(b64decode(entry)) if place[0] == "secrets" else str(entry)


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace").strip()


def _walked(value: Any, change: Callable[[str], Any]) -> Any:
    if isinstance(value, str):
        return change(value)
    return _inner(value, lambda inner: _walked(inner, change))


def _inner(value: Any, turn: Turn) -> Any:
    """Return a value with all that is in it turned."""
    if isinstance(value, Mapping):
        return {key: turn(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [turn(entry) for entry in value]
    return value


def _sealed(text: str, pattern: re.Pattern[str], places: Mapping[str, Place]) -> Any:
    parts: List[Any] = []
    at = 0
    for match in pattern.finditer(text):
        parts += [text[at : match.start()], list(places[match[0]])]
        at = match.end()
    return {PARTS: [*parts, text[at:]]} if parts else text
