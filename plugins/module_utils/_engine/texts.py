# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts and mappings of texts, as a user may write them in YAML."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

from .._desired.errors import InvalidOption

# A bool is nearly always an unquoted yes/no, a float an unquoted version: both lose their spelling.
_SCALARS = (str, int, float, bool)


def parse_text(value: Any, where: str) -> str:
    """Return a scalar as text; raise InvalidOption for a list or a dict."""
    if not isinstance(value, _SCALARS):
        raise InvalidOption("takes one text", option=where, hint="write it as a quoted string")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def parse_mapping(value: Any, where: str) -> Dict[str, Optional[str]]:
    """Return a mapping or a list of `KEY=value` as a dict; a bare key has the value None.

    Compose Specification, `environment` and `labels`. Numbers and booleans are taken as the text
    a user would read in YAML (`true`, `8080`).
    """
    pairs: Dict[str, Optional[str]] = {}
    if isinstance(value, Mapping):
        for key, item in value.items():
            here = f"{where}.{key}"
            pairs[_key(str(key), here)] = None if item is None else parse_text(item, here)
        return pairs
    if not isinstance(value, (list, tuple)):
        raise InvalidOption("takes a mapping or a list of KEY=value", option=where)
    for number, entry in enumerate(value):
        if not isinstance(entry, str):
            raise InvalidOption("is not KEY=value", option=f"{where}[{number}]", hint="quote it")
        key, equals, text = entry.partition("=")
        pairs[_key(key, f"{where}[{number}]")] = text if equals else None
    return pairs


def _key(key: str, where: str) -> str:
    if not key or "=" in key or "\0" in key:
        raise InvalidOption(
            "has no usable key", option=where, hint="a key is not empty and has no '='"
        )
    return key


def parse_strings(value: Any, where: str) -> Dict[str, str]:
    """Return a mapping or a list of `KEY=value` with texts only; a bare key is an empty text."""
    return {key: text or "" for key, text in parse_mapping(value, where).items()}
