# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes in bytes, as users write them and as plans show them."""

from __future__ import annotations

import re
from typing import Any, Optional

from .errors import InvalidOption
from .values import bounded

_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([a-z]*)")
_SIZE_UNITS = {"": 1, "b": 1, "k": 10, "m": 20, "g": 30, "t": 40}


def parse_size(value: Any, where: str) -> Optional[int]:
    """Turn `64m` or `2GiB` into bytes, units 1024-based; 0 and None mean "not set".

    The units are the Compose Specification's byte values, with `KiB`, `kB` and `k` all alike.
    Raise InvalidOption for anything else.
    """
    if value is None:
        return None
    match = _SIZE.fullmatch(str(value).strip().lower())
    unit = match.group(2) if match and not isinstance(value, bool) else "?"
    for suffix in ("ib", "b"):
        if len(unit) > len(suffix) and unit.endswith(suffix):
            unit = unit[: -len(suffix)]
            break
    if match is None or unit not in _SIZE_UNITS:
        raise InvalidOption(
            f"'{value}' is not a size",
            option=where,
            hint="write a number with b, k, m, g or t, such as 64m or 2GiB",
        )
    shift = _SIZE_UNITS[unit]
    factor = 1 if shift < 10 else 1 << shift
    return bounded(float(match.group(1)) * factor, value, where) or None


def show_size(size: int) -> str:
    """Print bytes with the largest unit that divides them: 67108864 is `64MiB`."""
    for unit, shift in (("GiB", 30), ("MiB", 20), ("KiB", 10)):
        if size and size % (1 << shift) == 0:
            return f"{size >> shift}{unit}"
    return f"{size}B"
