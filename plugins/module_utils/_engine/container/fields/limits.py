# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits of its processes, and the restart policy."""

from __future__ import annotations

import re
from typing import Any, Dict, Mapping, Optional, Tuple

from ...._desired.errors import InvalidOption
from ...._desired.fields import Context, FieldSpec
from ...._desired.schema import check_keys
from ...._desired.values import dig

Limit = Tuple[int, int]

_ULIMITS = [
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
]
_POLICIES = ("no", "always", "unless-stopped", "on-failure")


def _parse_pids(value: Any, where: str) -> int:
    return max(int(value), 0)


def _read_positive(obj: Mapping[str, Any], context: Context) -> int:
    # null, 0 and -1 are the same: no limit.
    return max(int(dig(obj, "HostConfig.PidsLimit") or 0), 0)


def parse_restart(value: Any, where: str) -> Tuple[str, int]:
    """Return (policy, retries) of Compose's `restart`.

    An unquoted `no` is false in YAML 1.1 and means `no`; `true` means nothing.
    """
    name, colon, count = ("no" if value is False else str(value)).partition(":")
    name = "no" if name in ("False", "false") else name
    fits = name in _POLICIES and (not colon or (name == "on-failure" and count.isdigit()))
    if value is True or not fits:
        shown = "true" if value is True else value
        raise InvalidOption(
            f"'{shown}' is not a restart policy",
            option=where,
            hint="write one of 'no', 'always', 'unless-stopped', 'on-failure[:retries]'",
        )
    return (name, int(count) if colon else 0)


def read_restart(obj: Mapping[str, Any], context: Optional[Context] = None) -> Tuple[str, int]:
    """Return (policy, retries) of an inspected container; an empty name means `no`."""
    policy = dig(obj, "HostConfig.RestartPolicy") or {}
    return (policy.get("Name") or "no", int(policy.get("MaximumRetryCount") or 0))


def restart_body(policy: Tuple[str, int]) -> Dict[str, Any]:
    """Return the engine's RestartPolicy of (policy, retries)."""
    return {"Name": policy[0], "MaximumRetryCount": policy[1]}


def restart_text(policy: Tuple[Any, ...]) -> str:
    """Return (policy, retries) as the `policy` of a step."""
    return f"{policy[0]}:{policy[1]}"


def restart_of(text: str) -> Tuple[str, int]:
    """Return (policy, retries) of a step's `policy`."""
    name, _colon, count = text.partition(":")
    return (name, int(count))


def _write_restart(body: Dict[str, Any], value: Any, context: Context) -> None:
    body.setdefault("HostConfig", {})["RestartPolicy"] = restart_body(value)


def _parse_ulimits(value: Any, where: str) -> Dict[str, Limit]:
    if not isinstance(value, Mapping):
        hint = "such as {nofile: {soft: 1024, hard: 2048}}"
        raise InvalidOption("must be a mapping", option=where, hint=hint)
    check_keys(value, _ULIMITS, where)
    return {name: _limit(entry, f"{where}.{name}") for name, entry in value.items()}


def _limit(entry: Any, where: str) -> Limit:
    """Return (soft, hard) of a number or of {soft, hard}; -1 means unlimited."""
    if not isinstance(entry, Mapping):
        entry = {"soft": entry, "hard": entry}
    check_keys(entry, ("soft", "hard"), where)
    words = [str(entry.get(key, "")) for key in ("soft", "hard")]
    if not all(re.fullmatch(r"-1|[0-9]+", word) for word in words):
        raise InvalidOption(
            "needs a number, or soft and hard", option=where, hint="{soft: 1024, hard: 2048}"
        )
    soft, hard = (int(word) for word in words)
    if hard != -1 and not -1 < soft <= hard:
        raise InvalidOption("soft is above hard", option=where, hint="hard is the upper bound")
    return soft, hard


def _read_ulimits(obj: Mapping[str, Any], context: Context) -> Dict[str, Limit]:
    return {
        str(entry["Name"]).lower().replace("rlimit_", ""): (int(entry["Soft"]), int(entry["Hard"]))
        for entry in dig(obj, "HostConfig.Ulimits") or ()
    }


def _write_ulimits(body: Dict[str, Any], value: Any, context: Context) -> None:
    body.setdefault("HostConfig", {})["Ulimits"] = [
        {"Name": name, "Soft": soft, "Hard": hard} for name, (soft, hard) in value.items()
    ]


FIELDS = (
    FieldSpec(
        "pids_limit",
        at="HostConfig.PidsLimit",
        option={"type": "int"},
        parse=_parse_pids,
        show=lambda count: str(count or "none"),
        read=_read_positive,
        default=lambda context: 0,
        change="live",
        unset="live",
        live="update",
    ),
    FieldSpec(
        "restart",
        at="HostConfig.RestartPolicy.Name",
        option={"type": "raw"},
        parse=parse_restart,
        show=lambda policy: f"{policy[0]}:{policy[1]}" if policy[1] else str(policy[0]),
        read=read_restart,
        default=lambda context: ("no", 0),
        write=_write_restart,
        change="live",
        unset="live",
        live="update",
    ),
    FieldSpec(
        "ulimits",
        at="HostConfig.Ulimits",
        option={"type": "raw"},
        compare="map",
        parse=_parse_ulimits,
        read=_read_ulimits,
        write=_write_ulimits,
        show=lambda limit: str(limit[0]) if limit[0] == limit[1] else f"{limit[0]}:{limit[1]}",
    ),
)
