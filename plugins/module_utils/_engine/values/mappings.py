# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mappings of texts with rules of their own: build arguments, options of drivers, labels."""

from __future__ import annotations

from typing import Any, Dict

from ..._desired.errors import Faults, InvalidOption
from .labels import OUR_LABELS
from .strings import parse_mapping, parse_strings


def parse_map(value: Any, where: str) -> Dict[str, str]:
    """Return a mapping, or a list of KEY=VALUE, as texts by key.

    Booleans become true and false, as in Compose. Raise InvalidOption for each key without a value:
    nothing is taken from a caller's environment.
    """
    pairs = parse_mapping(value, where)
    faults = Faults()
    for key, item in pairs.items():
        with faults:
            if item is None:
                hint = "give it one; the environment of the caller is not used"
                raise InvalidOption("has no value", option=f"{where}.{key}", hint=hint)
    faults.tell()
    return {key: str(item) for key, item in pairs.items()}


def parse_filled(value: Any, where: str) -> Dict[str, str]:
    """Return variables by name; raise InvalidOption for one without a value."""
    return parse_map(value, where)


def parse_labels(value: Any, where: str) -> Dict[str, str]:
    """Return declared labels by name; raise InvalidOption for one that the collection keeps.

    Compose Specification, "labels": one without a value is empty.
    """
    result = parse_strings(value, where)
    for key in result:
        if key.startswith(OUR_LABELS):
            raise InvalidOption(
                f"labels that begin with {OUR_LABELS} are reserved for this collection",
                option=f"{where}.{key}",
                hint="choose another name",
            )
    return result
