# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns of paths as `.dockerignore` has them, matched in time that patterns cannot blow up.

A regular expression tries every way to share a path among several wildcards. So a pattern with
more than one is followed through the path once, all its possible positions at a time.
"""

from __future__ import annotations

import re
from typing import Dict, List, Tuple

# Kinds of parts. A pattern's `**/` is two: it may be passed over, or entered and left after a /.
_CHAR, _STAR, _DEEP, _ENTER, _LOOP = "one", "star", "deep", "enter", "loop"
# Steps that a regular expression may come to; beyond, the other way is the quicker one as well.
_FEW = 20_000


class Glob:
    """One pattern: `**` spans folders, `*` and `?` do not, `[…]` is a class.

    Raise re.error for what is none.
    """

    def __init__(self, pattern: str) -> None:
        self._parts = _parts(pattern)
        self._regex = re.compile("".join(map(_expression, self._parts)), re.DOTALL)
        self._wild = sum(kind in (_STAR, _DEEP, _LOOP) for kind, _text in self._parts)
        self._masks: Dict[str, int] = {}
        self._stays = self._mask(_STAR, _DEEP, _LOOP)
        self._stays_at_slash = self._mask(_DEEP, _LOOP)
        self._optional = self._mask(_STAR, _DEEP, _ENTER)
        self._enters = self._mask(_ENTER)
        self._loops = self._mask(_LOOP)

    def matches(self, path: str) -> bool:
        """Tell if the pattern is that of a whole path."""
        if self._wild < 2 or (len(path) + 1) ** self._wild <= _FEW:
            return self._regex.fullmatch(path) is not None
        at = self._free(1)
        for char in path:
            slash = char == "/"
            moved = (at & self._takes(char)) << 1
            if slash:
                moved |= (at & self._loops) << 1
            at = self._free(moved | at & (self._stays_at_slash if slash else self._stays))
            if not at:
                return False
        return bool(at >> len(self._parts) & 1)

    def _mask(self, *kinds: str) -> int:
        return sum(1 << n for n, (kind, _text) in enumerate(self._parts) if kind in kinds)

    def _takes(self, char: str) -> int:
        """Return the positions whose part is exactly this character, or may be."""
        mask = self._masks.get(char)
        if mask is None:
            mask = 0
            for number, (kind, text) in enumerate(self._parts):
                if kind == _CHAR and re.fullmatch(text, char, re.DOTALL):
                    mask |= 1 << number
            self._masks[char] = mask
        return mask

    def _free(self, at: int) -> int:
        """Add the positions that are reached without a character."""
        while True:
            more = at | (at & self._optional) << 1 | (at & self._enters) << 2
            if more == at:
                return at
            at = more


def _parts(pattern: str) -> List[Tuple[str, str]]:
    """Cut a pattern into (kind, expression of one character)."""
    result: List[Tuple[str, str]] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*" and pattern.startswith("*", at):
            at += 1
            slash = pattern.startswith("/", at)
            at += slash
            _wild(result, _DEEP if at == len(pattern) else _ENTER)
        elif char == "*":
            _wild(result, _STAR)
        elif char == "?":
            result.append((_CHAR, "[^/]"))
        elif char == "[":
            end = _class_end(pattern, at)
            result.append((_CHAR, pattern[at - 1 : end]))
            at = end
        elif char == "\\" and at < len(pattern):
            result.append((_CHAR, re.escape(pattern[at])))
            at += 1
        else:
            result.append((_CHAR, re.escape(char)))
    return result


def _wild(result: List[Tuple[str, str]], kind: str) -> None:
    """Add a wildcard, unless the one before it says as much."""
    last = result[-1][0] if result else ""
    if kind == _ENTER:
        if last not in (_LOOP, _DEEP):
            result += [(_ENTER, ""), (_LOOP, "")]
    elif last not in (_DEEP, kind):
        result.append((kind, ""))


def _class_end(pattern: str, at: int) -> int:
    """Return where a class ends whose `[` is before `at`; re.error if it does not."""
    start = at
    at += pattern.startswith("^", at)
    while at < len(pattern):
        if pattern[at] == "\\":
            at += 1
        elif pattern[at] == "]" and at > start + pattern.startswith("^", start):
            return at + 1
        at += 1
    raise re.error("unterminated character set")


def _expression(part: Tuple[str, str]) -> str:
    kind, text = part
    wild = {_STAR: "[^/]*", _DEEP: ".*", _ENTER: "(?:.*/)?", _LOOP: ""}
    return wild.get(kind, text)
