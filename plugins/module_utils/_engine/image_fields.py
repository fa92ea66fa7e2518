# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The field table of images: every option of the module, one row each."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Tuple

from .._desired.errors import InvalidOption
from .._desired.model import FieldSpec
from .reference import parse_reference

LIMITS = ("live", "restart", "replace")
OUR_LABELS = "dockyard.fleet."


def parse_map(value: Any, where: str) -> Dict[str, str]:
    """Return a mapping, or a list of KEY=VALUE, as texts by key.

    Booleans become true and false, as in Compose. Raise InvalidOption for a key without a value
    (nothing is taken from a caller's environment) and for a number with a point, which YAML may
    have shortened (1.10 is 1.1).
    """
    if isinstance(value, Mapping):
        return {str(key): _text(item, f"{where}.{key}") for key, item in value.items()}
    if not isinstance(value, (list, tuple)):
        hint = "write key: value lines, or a list of KEY=VALUE"
        raise InvalidOption("is neither a mapping nor a list", option=where, hint=hint)
    made: Dict[str, str] = {}
    for item in value:
        key, equals, text = str(item).partition("=")
        made[key] = _text(text if equals else None, f"{where}.{key}")
    return made


def _text(value: Any, where: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int)):
        return str(value)
    if value is None:
        hint = "give it one; the environment of the caller is not used"
        raise InvalidOption("has no value", option=where, hint=hint)
    raise InvalidOption("is not a text", option=where, hint="put the value in quotes")


def _labels(value: Any, where: str) -> Dict[str, str]:
    made = parse_map(value, where)
    for key in made:
        if key.startswith(OUR_LABELS):
            raise InvalidOption(
                f"labels that begin with {OUR_LABELS} are kept by this collection",
                option=f"{where}.{key}",
                hint="choose another name",
            )
    return made


def _reference(value: Any, where: str) -> str:
    return str(parse_reference(str(value), where))


def _policy(value: Any, where: str) -> str:
    # Compose's older word for the same.
    return "missing" if value == "if_not_present" else str(value)


_LIST = {"type": "list", "elements": "str"}
_POLICIES = ["always", "if_not_present", "missing", "never"]

FIELDS: Tuple[FieldSpec, ...] = (
    FieldSpec("name", option={"type": "str", "required": True}, parse=_reference),
    FieldSpec("build.context", option={"type": "str", "required": True}),
    FieldSpec("build.dockerfile", option={"type": "str", "default": "Dockerfile"}),
    FieldSpec("build.args", compare="map", option={"type": "raw"}, parse=parse_map),
    FieldSpec("build.target", option={"type": "str"}),
    FieldSpec("build.labels", compare="map", option={"type": "raw"}, parse=_labels),
    FieldSpec("build.network", option={"type": "str"}),
    FieldSpec("build.no_cache", option={"type": "bool", "default": False}),
    FieldSpec("build.pull", option={"type": "bool", "default": False}),
    FieldSpec("pull_policy", option={"type": "str", "choices": _POLICIES}, parse=_policy),
    FieldSpec(
        "state", option={"type": "str", "choices": ["absent", "present"], "default": "present"}
    ),
    FieldSpec("force", option={"type": "bool", "default": False}),
    FieldSpec("protect", option={"type": "bool", "default": False}),
    FieldSpec("allow", option={**_LIST, "choices": list(LIMITS), "default": list(LIMITS)}),
)
# What decides that an image is built anew, beside the context and the base images.
DECIDING = ("dockerfile", "args", "target", "labels", "network")
