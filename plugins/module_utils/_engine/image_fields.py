# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The field table of images: every option of the module, one row each."""

from __future__ import annotations

import re
from typing import Any, Tuple

from .._desired.errors import InvalidOption
from .._desired.model import FieldSpec
from .._desired.values import parse_duration
from .image_build_fields import BUILD_FIELDS, LIST
from .reference import parse_reference

LIMITS = ("live", "restart", "replace")
# os[/architecture[/variant]], as in the OCI image specification.
_PLATFORM = re.compile(r"[a-z0-9]+(/[a-z0-9_]+(/[a-z0-9.]+)?)?")
_POLICY_HINT = "write always, missing, never, daily, weekly, or every_ and a duration: every_12h"


def _reference(value: Any, where: str) -> str:
    return str(parse_reference(str(value), where))


def _tags(value: Any, where: str) -> Tuple[str, ...]:
    made = []
    for number, one in enumerate(value):
        found = parse_reference(str(one), f"{where}[{number}]")
        if found.digest:
            raise InvalidOption(
                f"'{one}': a digest cannot be given to an image",
                option=f"{where}[{number}]",
                hint="write a tag, such as app:1",
            )
        made.append(str(found))
    return tuple(dict.fromkeys(made))


def parse_policy(value: Any, where: str) -> str:
    """Return a pull policy of the Compose Specification in one spelling.

    `if_not_present` is Compose's older word for missing; daily and weekly are durations.
    """
    word = {"if_not_present": "missing", "daily": "every_24h", "weekly": "every_168h"}.get(
        str(value), str(value)
    )
    if word.startswith("every_"):
        parse_duration(word[6:], where)
    elif word not in ("always", "missing", "never"):
        raise InvalidOption(f"'{value}' is not a pull policy", option=where, hint=_POLICY_HINT)
    return word


def _platform(value: Any, where: str) -> str:
    if not _PLATFORM.fullmatch(str(value)):
        raise InvalidOption(
            f"'{value}' is not a platform", option=where, hint="write it like linux/arm64"
        )
    return str(value)


_STATES = ["absent", "present"]

FIELDS: Tuple[FieldSpec, ...] = (
    FieldSpec("name", option={"type": "str", "required": True}, parse=_reference),
    *BUILD_FIELDS,
    FieldSpec("pull_policy", option={"type": "str"}, parse=parse_policy),
    FieldSpec("platform", option={"type": "str"}, parse=_platform),
    FieldSpec("tags", compare="list", option=LIST, parse=_tags),
    FieldSpec("push", option={"type": "bool", "default": False}),
    FieldSpec("registry", option={"type": "str"}),
    FieldSpec("registry_username", option={"type": "str"}),
    FieldSpec("registry_password", option={"type": "str", "no_log": True}, secret=True),
    FieldSpec("state", option={"type": "str", "choices": _STATES, "default": "present"}),
    FieldSpec("force", option={"type": "bool", "default": False}),
    FieldSpec("protect", option={"type": "bool", "default": False}),
    FieldSpec("allow", option={**LIST, "choices": list(LIMITS), "default": list(LIMITS)}),
)
