# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a pull or a build is, in numbers alone: what engines and builders say may be secret."""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, List, Mapping, Tuple

from ..._desired.values import dig

# The classic builder, and BuildKit with the name of a stage or without.
_STEP = re.compile(r"(?:Step |#\d+ \[(?:[^\]]* )?)(\d{1,4})/(\d{1,4})(?: :|\])")
_MOST = 1000  # layers that are counted
_NAME = 64  # characters of a name of a layer
_LARGEST = 1 << 50  # bytes of a layer


class Layers:
    """The layers of a pull as the engine reports them."""

    def __init__(self) -> None:
        self._layers: Dict[str, Tuple[int, int]] = {}

    def words(self, part: Mapping[str, Any]) -> str:
        """Take a part of the engine's answer; return how much has come of what is known."""
        name = str(part.get("id"))[:_NAME]
        have, whole = (dig(part, f"progressDetail.{key}") for key in ("current", "total"))
        if part.get("status") == "Downloading" and _is_size(have) and _is_size(whole):
            if name in self._layers or len(self._layers) < _MOST:
                self._layers[name] = (min(have, whole), whole)
        elif name in self._layers:
            whole = self._layers[name][1]
            self._layers[name] = (whole, whole)
        come = sum(entry for entry, _whole in self._layers.values()) >> 20
        known = sum(whole for _done, whole in self._layers.values()) >> 20
        return f"pulling, {come} of {known} MiB" if known else "pulling"


def _is_size(value: Any) -> bool:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return whole and 0 <= value < _LARGEST


class Tail(List[str]):
    """The last lines of a builder's output, each of which may say which step it begins."""

    def __init__(self, tell: Callable[..., None]) -> None:
        super().__init__()
        self._tell = tell
        tell("building")

    def append(self, line: str) -> None:
        """Keep a line."""
        super().append(line)
        match = _STEP.match(line)
        if match:
            self._tell(f"building, step {match[1]}/{match[2]}")
