# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON from outside: engines, labels. Bounded in depth, without numbers or texts that no code
here can handle.
"""

from __future__ import annotations

import json
from typing import Any, List, Union

# How deep an answer may be nested; those of engines have ten levels.
DEPTH = 64


class Unusable(ValueError):
    """It is JSON, but not what an engine says."""


def _no_number(text: str) -> float:
    raise Unusable(f"it holds the number {text[:20]}")


def _finite(text: str) -> float:
    result = float(text)
    return result if abs(result) < float("inf") else _no_number(text)


DECODER = json.JSONDecoder(parse_constant=_no_number, parse_float=_finite)


def decode(data: Union[bytes, str]) -> Any:
    """Return what a JSON text says; raise ValueError, which is Unusable for what is JSON.

    Halves of characters (lone surrogates), which cannot be written anywhere, become U+FFFD.
    """
    text = data if isinstance(data, str) else data.decode("utf-8", "replace")
    try:
        value = DECODER.decode(text)
    except RecursionError:
        value = [[]]
        deep = True
    else:
        deep = is_deep(value)
    if deep:
        raise Unusable(f"it is nested more than {DEPTH} deep")
    if "\\ud" in text or "\\uD" in text:
        from .unexpected import whole

        return whole(value)
    return value


def is_deep(value: Any) -> bool:
    """Tell whether a value is nested deeper than any engine's."""
    layer = [value]
    for _level in range(DEPTH):
        inner: List[Any] = []
        for entry in layer:
            if isinstance(entry, dict):
                inner += entry.values()
            elif isinstance(entry, list):
                inner += entry
        if not inner:
            return False
        layer = inner
    return True
