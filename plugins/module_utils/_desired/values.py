# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values: the unknown, the masked, durations, and paths into nested objects."""

from __future__ import annotations

import re
from typing import Any, Dict, Iterable, List, Mapping, Optional

from .errors import InvalidOption

MASK = "********"

# More words than this are no help in a message.
_MANY = 30

_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(us|µs|ms|s|m|h|d|w)")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_ID = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")
_MOST = 1 << 63
_NANOSECONDS = {
    "us": 1_000,
    "µs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
    "w": 604_800_000_000_000,
}


class Unknown:
    """A value that only applying will tell; `reason` says what decides it."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def __repr__(self) -> str:
        return f"Unknown({self.reason!r})"


def show(value: Any) -> str:
    """Print a canonical value in plans: short, with nothing for "not set"."""
    if isinstance(value, Unknown):
        return f"(known after apply: {value.reason})"
    if value is None or value == ():
        return "none"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k}: {show(v)}" for k, v in value.items() if v) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(show(item) for item in value) + "]"
    if value is True or value is False:
        return "true" if value else "false"
    if value in ("", "none"):  # a text, unlike what is not set
        return f'"{value}"'
    text = str(value)
    return text[:19] if _DIGEST.fullmatch(text) else _ID.sub(r"\1", text)


def parse_duration(value: Any, where: str) -> Optional[int]:
    """Turn `1m30s` into nanoseconds (Compose Specification, "Specifying durations").

    Raise InvalidOption for a number without a unit or anything else.
    """
    if value is None:
        return None
    text = str(value).strip()
    parts = _DURATION.findall(text)
    if text == "0":
        return 0
    if not parts or "".join(n + u for n, u in parts) != text:
        raise InvalidOption(
            f"'{value}' is not a duration",
            option=where,
            hint="write a number with us, ms, s, m, h, d or w, such as 30s or 1m30s",
        )
    whole = sum(float(number) * _NANOSECONDS[unit] for number, unit in parts)
    return bounded(round(whole) if whole < _MOST else whole, value, where)


def bounded(number: float, value: Any, where: str) -> int:
    """Return a number of bytes or nanoseconds if servers can hold it: they have 63 bits for it."""
    if number >= _MOST:
        raise InvalidOption(f"'{str(value)[:40]}' is more than any server accepts", option=where)
    return int(number)


def show_duration(nanoseconds: int) -> str:
    """Print nanoseconds in the largest units that are whole: 90 s is `1m30s`."""
    text = ""
    for unit in ("h", "m", "s", "ms", "us"):
        count, nanoseconds = divmod(nanoseconds, _NANOSECONDS[unit])
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def dig(obj: Any, path: str) -> Any:
    """Return what stands at a dotted path of nested dicts, or None."""
    for part in path.split("."):
        # A dict first, which is the faster look, of thousands for each container.
        if not isinstance(obj, (dict, Mapping)):
            return None
        obj = obj.get(part)
    return obj


def put(body: Dict[str, Any], path: str, value: Any) -> None:
    """Set a dotted path of nested dicts, making the dicts on the way."""
    *parents, last = path.split(".")
    for part in parents:
        body = body.setdefault(part, {})
    body[last] = value


def canonical(value: Any) -> str:
    """Print a JSON-like value so that equal values print alike, for digests."""
    import json

    def plain(item: Any) -> Any:
        return sorted(item) if isinstance(item, (set, frozenset)) else str(item)

    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=plain)


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a hint with the known word nearest to a misspelt one, or all if they are not many."""
    import difflib

    choices: List[str] = sorted(known)
    lower = {entry.lower(): entry for entry in choices}
    longer = [entry for entry in lower if entry.startswith(word.lower())]
    close = longer if len(longer) == 1 else difflib.get_close_matches(word.lower(), lower, 1, 0.7)
    if close:
        return f"did you mean {lower[close[0]]}?"
    many = len(choices) > _MANY
    return "its documentation lists all" if many else f"use one of {', '.join(choices)}"
