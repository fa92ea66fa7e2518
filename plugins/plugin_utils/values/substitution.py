# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables in texts, as Compose substitutes them (Compose Specification, "interpolation")."""

from __future__ import annotations

import re
from typing import Callable, List, Mapping, Optional, Tuple

_PART = re.compile(
    r"\\(?P<escaped>.)|\$(?:(?P<name>[A-Za-z_]\w*)|(?P<open>[{$]))", re.ASCII | re.DOTALL
)
_BRACED = re.compile(r"(?P<name>[A-Za-z_]\w*)(?P<rule>:?[-?+])?(?P<word>.*)", re.ASCII | re.DOTALL)
_BRACE = re.compile(r"\\.|\$\{|\}", re.DOTALL)
# Compose files have no escapes: there a backslash is a character like any other.
_PLAIN_PART = re.compile(r"\$(?:(?P<name>[A-Za-z_]\w*)|(?P<open>[{$]))", re.ASCII)
_PLAIN_BRACE = re.compile(r"\$\{|\}")
# A text with more braces inside each other than this was not written by hand.
_DEEPEST = 50

Missing = Callable[[str], str]


def substituted(
    text: str,
    known: Mapping[str, str],
    escapes: Optional[Mapping[str, str]],
    missing: Optional[Missing] = None,
    tell: bool = False,
) -> str:
    """Return a text with its variables and escapes replaced at once: no value is looked at again.

    `$NAME`, `${NAME}`, and with a word beside it `:-` and `-` (instead of what is empty or not set,
    not set), `:+` and `+` (instead of what is there), `:?` and `?` (required); the words may hold
    variables. `$$` is a dollar sign; `escapes` maps what stands behind a backslash, None means that
    there are none. `missing` gives the text for a variable that is not known; without it that is an
    error. Raise ValueError, without values, for a variable that is not known, or required (with
    `tell`, with the word that says why), and for other braces.
    """
    return _Substitution(known, escapes, missing, tell).of(text, 0)


class _Substitution:
    def __init__(
        self,
        known: Mapping[str, str],
        escapes: Optional[Mapping[str, str]],
        missing: Optional[Missing],
        tell: bool,
    ) -> None:
        self.known, self.escapes, self.missing, self.tell = known, escapes, missing, tell
        self.part = _PLAIN_PART if escapes is None else _PART

    def of(self, text: str, depth: int) -> str:
        if depth > _DEEPEST:
            raise ValueError("has too many ${ inside each other")
        result: List[str] = []
        at = 0
        while True:
            match = self.part.search(text, at)
            if match is None:
                return "".join([*result, text[at:]])
            result.append(text[at : match.start()])
            at = match.end()
            if self.escapes is not None and match["escaped"]:
                result.append(self.escapes.get(match["escaped"], match.group()))
            elif match["name"]:
                result.append(self.value(match["name"]))
            elif match["open"] == "$":
                result.append("$")
            else:
                inner, at = self.braced_text(text, at)
                result.append(self.braced(inner, depth))

    def value(self, name: str) -> str:
        if name in self.known:
            return self.known[name]
        if self.missing is None:
            raise ValueError(f"refers to {name}, which nothing before it sets")
        return self.missing(name)

    def braced_text(self, text: str, at: int) -> Tuple[str, int]:
        """Return what stands in the braces that were opened before `at`, and where they end."""
        depth, here = 1, at
        for match in (_PLAIN_BRACE if self.escapes is None else _BRACE).finditer(text, at):
            depth += {"${": 1, "}": -1}.get(match.group(), 0)
            here = match.end()
            if not depth:
                return text[at : here - 1], here
        raise ValueError("has a ${ without its }")

    def braced(self, inner: str, depth: int) -> str:
        match = _BRACED.fullmatch(inner)
        if match is None or (match["word"] and not match["rule"]):
            raise ValueError(
                "has a ${…} that is none of NAME, NAME:-WORD, NAME:+WORD and NAME:?WORD"
            )
        name, rule, word = match["name"], match["rule"] or "", match["word"]
        known = self.known
        is_set = bool(known.get(name)) if rule[:1] == ":" else name in known
        if rule[-1:] == "+":
            return self.of(word, depth + 1) if is_set else ""
        if rule[-1:] == "?" and not is_set:
            told = f": {word}" if word and self.tell else ""
            unset = "which is not set" if self.missing else "which nothing before it sets"
            raise ValueError(f"requires {name}, {unset}{told}")
        if rule[-1:] == "-" and not is_set:
            return self.of(word, depth + 1)
        return self.value(name)
