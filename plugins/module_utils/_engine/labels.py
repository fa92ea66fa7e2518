# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels and other mappings of texts, as images, networks and volumes take them."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from .._desired.errors import InvalidOption

OUR_LABELS = "dockyard.fleet."
COMPOSE_LABELS = "com.docker.compose."


def parse_map(value: Any, where: str) -> Dict[str, str]:
    """Return a mapping, or a list of KEY=VALUE, as texts by key.

    Booleans become true and false, as in Compose. Raise InvalidOption for a key without a value
    (nothing is taken from a caller's environment) and for a number with a point, which YAML may
    have shortened (1.10 is 1.1).
    """
    if isinstance(value, Mapping):
        return {str(key): parse_value(item, f"{where}.{key}") for key, item in value.items()}
    if not isinstance(value, (list, tuple)):
        hint = "write key: value lines, or a list of KEY=VALUE"
        raise InvalidOption("is neither a mapping nor a list", option=where, hint=hint)
    made: Dict[str, str] = {}
    for item in value:
        key, equals, text = str(item).partition("=")
        made[key] = parse_value(text if equals else None, f"{where}.{key}")
    return made


def parse_value(value: Any, where: str) -> str:
    """Return one such text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int)):
        return str(value)
    if value is None:
        hint = "give it one; the environment of the caller is not used"
        raise InvalidOption("has no value", option=where, hint=hint)
    raise InvalidOption("is not a text", option=where, hint="put the value in quotes")


def parse_labels(value: Any, where: str) -> Dict[str, str]:
    """Return declared labels by name; raise InvalidOption for one that the collection keeps."""
    made = parse_map(value, where)
    for key in made:
        if key.startswith(OUR_LABELS):
            raise InvalidOption(
                f"labels that begin with {OUR_LABELS} are kept by this collection",
                option=f"{where}.{key}",
                hint="choose another name",
            )
    return made


def plain_labels(labels: Any) -> Dict[str, str]:
    """Return observed labels without those that tools keep for themselves: ours and Compose's."""
    kept = (OUR_LABELS, COMPOSE_LABELS)
    return {key: value for key, value in (labels or {}).items() if not key.startswith(kept)}


def from_compose(labels: Any) -> bool:
    """Tell whether Compose made what carries these labels."""
    return f"{COMPOSE_LABELS}project" in (labels or {})
