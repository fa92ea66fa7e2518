# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task wants to have pruned."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Dict, Mapping, Optional, Tuple

from ..._desired.errors import InvalidOption
from ..._desired.values import parse_duration
from ..client.options import LIMITS

KINDS = ("containers", "images", "networks", "volumes", "build_cache")
_FLAG = {"type": "bool", "default": False}
_LIST = {"type": "list", "elements": "str"}


@dataclass(frozen=True)
class Desired:
    """What may go. `kinds` are words of KINDS, of which "volumes" means those without a name;
    `named` volumes go whoever made them, those of `patterns` as all else; `everyone` counts what
    others made, too; one that has any of `without` stays; `age` is in seconds, None for any.
    """

    kinds: Tuple[str, ...]
    named: Tuple[str, ...]
    patterns: Tuple[str, ...]
    everyone: bool
    tagged: bool
    labels: Tuple[str, ...]
    without: Tuple[str, ...]
    age: Optional[float]
    address: str = "prune"
    allow: Tuple[str, ...] = LIMITS
    protect: bool = False


def spec() -> Dict[str, Any]:
    """Return the argument spec without the connection's options."""
    return {
        "containers": _FLAG,
        "images": _FLAG,
        "unused_images": _FLAG,
        "networks": _FLAG,
        "volumes": {"type": "raw", "default": False},
        "build_cache": _FLAG,
        "all": _FLAG,
        "filters": {
            "type": "dict",
            "options": {"label": _LIST, "not_label": _LIST, "until": {"type": "str"}},
        },
    }


def desired_of(params: Mapping[str, Any]) -> Desired:
    """Return what is to go; raise InvalidOption for what cannot be right."""
    volumes, names = _volumes(params["volumes"])
    flags = {**params, "volumes": volumes, "images": params["images"] or params["unused_images"]}
    kinds = tuple(kind for kind in KINDS if flags[kind])
    if not kinds and not names:
        hint = f"set one of {', '.join(KINDS)}"
        raise InvalidOption("nothing to remove is named", option="containers", hint=hint)
    filters = params.get("filters") or {}
    age = parse_duration(filters.get("until"), "filters.until")
    return Desired(
        kinds=kinds,
        named=tuple(name for name in names if not _is_pattern(name)),
        patterns=tuple(name for name in names if _is_pattern(name)),
        everyone=params["all"],
        tagged=params["unused_images"],
        labels=_labels(filters, "label"),
        without=_labels(filters, "not_label"),
        age=None if age is None else age * 1e-9,
    )


def _labels(filters: Mapping[str, Any], option: str) -> Tuple[str, ...]:
    for number, text in enumerate(filters.get(option) or ()):
        if not text.partition("=")[0] or text.partition("=")[0].endswith("!"):
            where = f"filters.{option}[{number}]"
            hint = "write KEY or KEY=VALUE; not_label has those that must not be there"
            raise InvalidOption(f"'{text}' is not a label", option=where, hint=hint)
    return tuple(filters.get(option) or ())


def _volumes(value: Any) -> Tuple[bool, Tuple[str, ...]]:
    """Return if volumes without a name are meant, and the names and patterns that are given."""
    if isinstance(value, (list, tuple)):
        for number, name in enumerate(value):
            _check_name(name, f"volumes[{number}]")
        return False, tuple(value)
    text = str(value).lower()
    if text in ("true", "yes", "on", "1", "false", "no", "off", "0"):
        return text in ("true", "yes", "on", "1"), ()
    hint = "write true for all unused ones without a name, or a list of names"
    raise InvalidOption(f"'{value}' is neither", option="volumes", hint=hint)


def _check_name(name: Any, where: str) -> None:
    """Raise InvalidOption for what names no volume, or would name every one."""
    if not isinstance(name, str) or not name.strip():
        raise InvalidOption(
            f"'{name}' is not a volume name", option=where, hint="write it in quotes"
        )
    if _is_pattern(name) and not re.search("[a-zA-Z0-9]", re.sub(r"\[[^]]*\]", "", name)):
        hint = "begin with what the names of these volumes have in common, such as shop-*"
        raise InvalidOption(f"'{name}' matches every volume", option=where, hint=hint)


def _is_pattern(name: str) -> bool:
    return any(sign in name for sign in "*?[")


def is_meant(pattern: str, name: str) -> bool:
    """Tell if a pattern means a volume's name: `*`, `?` and `[…]` as in the names of files."""
    return fnmatchcase(name, pattern)
