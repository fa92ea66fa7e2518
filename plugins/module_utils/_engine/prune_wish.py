# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task wants to have pruned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Tuple

from .._desired.errors import InvalidOption
from .._desired.values import parse_duration
from .inside import LIMITS

KINDS = ("containers", "images", "networks", "volumes", "build_cache")
_FLAG = {"type": "bool", "default": False}
_LIST = {"type": "list", "elements": "str"}


@dataclass(frozen=True)
class Wish:
    """What may go. `kinds` are words of KINDS; `named` volumes go whoever made them; `everyone`
    counts what others made, too; `age` is in seconds, None for any.
    """

    kinds: Tuple[str, ...]
    named: Tuple[str, ...]
    everyone: bool
    tagged: bool
    labels: Tuple[str, ...]
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
        "filters": {"type": "dict", "options": {"label": _LIST, "until": {"type": "str"}}},
    }


def wish(params: Mapping[str, Any]) -> Wish:
    """Return what is to go; raise InvalidOption for what cannot be right."""
    volumes, named = _volumes(params["volumes"])
    flags = {**params, "volumes": volumes, "images": params["images"] or params["unused_images"]}
    kinds = tuple(kind for kind in KINDS if flags[kind])
    if not kinds and not named:
        hint = f"set one of {', '.join(KINDS)}"
        raise InvalidOption("nothing is asked for", option="containers", hint=hint)
    filters = params.get("filters") or {}
    age = parse_duration(filters.get("until"), "filters.until")
    return Wish(
        kinds=kinds,
        named=named,
        everyone=params["all"],
        tagged=params["unused_images"],
        labels=tuple(filters.get("label") or ()),
        age=None if age is None else age * 1e-9,
    )


def _volumes(value: Any) -> Tuple[bool, Tuple[str, ...]]:
    """Return if unused volumes are meant, and those that are named."""
    if isinstance(value, (list, tuple)):
        return False, tuple(str(name) for name in value)
    text = str(value).lower()
    if text in ("true", "yes", "on", "1", "false", "no", "off", "0"):
        return text in ("true", "yes", "on", "1"), ()
    hint = "write true for all unused ones, or a list of names"
    raise InvalidOption(f"'{value}' is neither", option="volumes", hint=hint)
