# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The field table of images: every option of the module, one row each."""

from __future__ import annotations

from typing import Any, Tuple

from ..._desired.fields import FieldSpec
from ..client.options import LIMITS
from ..values.image_reference import parse_id, parse_reference
from ..values.mappings import parse_map
from .building.fields import BUILD_FIELDS, LIST, parse_platform, parse_strings, parse_tags
from .pull_policy import parse_policy


def _reference(value: Any, where: str) -> str:
    return parse_id(str(value)) or str(parse_reference(str(value), where))


def _references(value: Any, where: str) -> Tuple[str, ...]:
    entries = [str(parse_reference(text, where)) for text in parse_strings(value, where)]
    return tuple(dict.fromkeys(entries))


_STATES = ["absent", "present"]

FIELDS: Tuple[FieldSpec, ...] = (
    FieldSpec("name", option={"type": "str"}, parse=_reference),
    *BUILD_FIELDS,
    FieldSpec(
        "build_secrets", option={"type": "dict", "no_log": True}, parse=parse_map, secret=True
    ),
    FieldSpec("load", option={"type": "str"}),
    FieldSpec("import.path", option={"type": "str", "required": True}),
    FieldSpec("import.changes", compare="list", option=LIST, parse=parse_strings),
    FieldSpec("from_host", option={"type": "str"}),
    FieldSpec("from_engine_host", option={"type": "str"}),
    FieldSpec("names", compare="list", option=LIST, parse=_references),
    FieldSpec("save", option={"type": "str"}),
    FieldSpec("remote_src", option={"type": "bool", "default": False}),
    FieldSpec("pull_policy", option={"type": "str"}, parse=parse_policy),
    FieldSpec("platform", option={"type": "str"}, parse=parse_platform),
    FieldSpec("tags", compare="list", option=LIST, parse=parse_tags),
    FieldSpec("push", option={"type": "bool", "default": False}),
    FieldSpec("registry", option={"type": "str"}),
    FieldSpec("registry_username", option={"type": "str"}),
    FieldSpec("registry_password", option={"type": "str", "no_log": True}, secret=True),
    FieldSpec("state", option={"type": "str", "choices": _STATES, "default": "present"}),
    FieldSpec("force", option={"type": "bool", "default": False}),
    FieldSpec("protect", option={"type": "bool", "default": False}),
    FieldSpec("allow", option={**LIST, "choices": list(LIMITS), "default": list(LIMITS)}),
)
