# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables in texts, as Compose substitutes them (Compose Specification, "interpolation")."""

from __future__ import annotations

import re
from typing import List, Mapping, Tuple

_PART = re.compile(
    r"\\(?P<escaped>.)|\$(?:(?P<name>[A-Za-z_]\w*)|(?P<open>[{$]))", re.ASCII | re.DOTALL
)
_BRACED = re.compile(r"(?P<name>[A-Za-z_]\w*)(?P<rule>:?[-?+])?(?P<word>.*)", re.ASCII | re.DOTALL)
_BRACE = re.compile(r"\\.|\$\{|\}", re.DOTALL)


def substituted(text: str, known: Mapping[str, str], escapes: Mapping[str, str]) -> str:
    """Return a text with its variables and escapes replaced at once: no value is looked at again.

    `$NAME`, `${NAME}`, and with a word beside it `:-` and `-` (instead of what is empty or not set,
    not set), `:+` and `+` (instead of what is there), `:?` and `?` (required); the words may hold
    variables. `$$` is a dollar sign; `escapes` maps what stands behind a backslash. Raise
    ValueError, without values, for a variable that is not known, or required, and for other braces.
    """
    result: List[str] = []
    at = 0
    while True:
        match = _PART.search(text, at)
        if match is None:
            return "".join([*result, text[at:]])
        result.append(text[at : match.start()])
        at = match.end()
        if match["escaped"]:
            result.append(escapes.get(match["escaped"], match.group()))
        elif match["name"]:
            result.append(_known(match["name"], known))
        elif match["open"] == "$":
            result.append("$")
        else:
            inner, at = _braced_text(text, at)
            result.append(_braced(inner, known, escapes))


def _known(name: str, known: Mapping[str, str]) -> str:
    if name not in known:
        raise ValueError(f"refers to {name}, which nothing before it sets")
    return known[name]


def _braced_text(text: str, at: int) -> Tuple[str, int]:
    """Return what stands in the braces that were opened before `at`, and where they have ended."""
    depth, here = 1, at
    for match in _BRACE.finditer(text, at):
        depth += {"${": 1, "}": -1}.get(match.group(), 0)
        here = match.end()
        if not depth:
            return text[at : here - 1], here
    raise ValueError("has a ${ without its }")


def _braced(inner: str, known: Mapping[str, str], escapes: Mapping[str, str]) -> str:
    match = _BRACED.fullmatch(inner)
    if match is None or (match["word"] and not match["rule"]):
        raise ValueError("has a ${…} that is none of NAME, NAME:-WORD, NAME:+WORD and NAME:?WORD")
    name, rule = match["name"], match["rule"] or ""
    is_set = bool(known.get(name)) if rule[:1] == ":" else name in known
    if rule[-1:] == "+":
        return substituted(match["word"], known, escapes) if is_set else ""
    if rule[-1:] == "?" and not is_set:
        raise ValueError(f"requires {name}, which nothing before it sets")
    if rule[-1:] == "-" and not is_set:
        return substituted(match["word"], known, escapes)
    return _known(name, known)
