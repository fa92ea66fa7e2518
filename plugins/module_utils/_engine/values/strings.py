# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts and mappings of texts, as a user may write them in YAML."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

from ..._desired.errors import Faults, InvalidOption


def parse_text(value: Any, where: str) -> str:
    """Return a text, a whole number as its digits, a boolean as `true` or `false`.

    Raise InvalidOption for what YAML makes of a text without quotes: a number with a point (1.10
    would be 1.1) or a date; and for a list or a mapping.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int)):
        return str(value)
    if isinstance(value, float):
        from ..._desired.input_checks import POINT

        raise InvalidOption(POINT, option=where, hint="put it in quotes")
    raise InvalidOption("must be a single string", option=where, hint="write it as a quoted string")


def parse_mapping(value: Any, where: str) -> Dict[str, Optional[str]]:
    """Return a mapping or a list of `KEY=value` as a dict; a bare key has the value None.

    Compose Specification, `environment` and `labels`. Numbers and booleans are taken as the text
    a user would read in YAML (`true`, `8080`). Raise InvalidOption for all entries that are wrong.
    """
    pairs: Dict[str, Optional[str]] = {}
    faults = Faults()
    if isinstance(value, Mapping):
        for key, item in value.items():
            here = f"{where}.{key}"
            with faults:
                pairs[_key(key, here)] = None if item is None else parse_text(item, here)
    elif isinstance(value, (list, tuple)):
        for number, entry in enumerate(value):
            here = f"{where}[{number}]"
            with faults:
                if not isinstance(entry, str):
                    raise InvalidOption("is not KEY=value", option=here, hint="quote it")
                key, equals, text = entry.partition("=")
                pairs[_key(key, here)] = text if equals else None
    else:
        raise InvalidOption("must be a mapping or a list of KEY=value", option=where)
    faults.tell()
    return pairs


def _key(given: Any, where: str) -> str:
    if isinstance(given, (bool, float)) or not isinstance(given, (str, int)):
        what = "YAML reads this key as a boolean, a number with a point, a date or null"
        raise InvalidOption(what, option=where, hint="put the key in quotes, such as 'on'")
    key = str(given)
    if not key or "=" in key or "\0" in key:
        raise InvalidOption(
            "has no usable key", option=where, hint="a key is not empty and has no '='"
        )
    return key


def parse_strings(value: Any, where: str) -> Dict[str, str]:
    """Return a mapping or a list of `KEY=value` with texts only; a bare key is an empty text."""
    return {key: text or "" for key, text in parse_mapping(value, where).items()}
