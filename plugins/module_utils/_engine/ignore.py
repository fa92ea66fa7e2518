# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`.dockerignore`: the pattern rules of Docker's own matcher (moby/patternmatcher)."""

from __future__ import annotations

import posixpath
import re
from typing import List, Pattern, Tuple

from .._desired.errors import InvalidOption


class Ignore:
    """The rules of one `.dockerignore`: the last rule that matches a path or its parent wins.

    `keep` are paths that are sent whatever the rules say. Raise InvalidOption for a pattern that
    Docker would not accept either.
    """

    def __init__(self, text: str, keep: Tuple[str, ...] = ()) -> None:
        self._rules: List[Tuple[bool, Pattern[str]]] = []
        for number, line in enumerate(text.lstrip("\ufeff").splitlines(), 1):
            # Only a # in the first column is a comment, as in Docker.
            pattern = "" if line.startswith("#") else line.strip()
            if pattern:
                self._add(pattern, number)
        self._keep = frozenset(keep)
        self._returns = any(back for back, _pattern in self._rules)

    def _add(self, pattern: str, number: int) -> None:
        back = pattern.startswith("!")
        clean = posixpath.normpath(pattern[1:].strip() if back else pattern)
        clean = clean.lstrip("/") or "/"
        try:
            if back and clean == ".":
                raise re.error("nothing after !")
            self._rules.append((back, re.compile(_expression(clean))))
        except re.error as exc:
            raise InvalidOption(
                f".dockerignore line {number}: '{pattern}' is not a pattern ({exc})",
                option="build.context",
                hint="the rules are those of docker build",
            ) from exc

    def returns(self, folder: str) -> bool:
        """Say if something below an excluded folder may be sent all the same."""
        below = f"{folder}/"
        return self._returns or any(path.startswith(below) for path in self._keep)

    def excludes(self, path: str) -> bool:
        """Say if a path (relative, with /) is left out of the context."""
        if path in self._keep:
            return False
        parts = path.split("/")
        chain = ["/".join(parts[:n]) for n in range(len(parts), 0, -1)]
        out = False
        for back, pattern in self._rules:
            # A rule that could not change the answer is not asked.
            if back == out and any(pattern.fullmatch(one) for one in chain):
                out = not back
        return out


def _expression(pattern: str) -> str:
    """Translate a pattern: `**` spans folders, `*` and `?` do not, `[…]` is a class."""
    made = ""
    at = 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "*" and pattern.startswith("*", at):
            at += 1
            at += pattern.startswith("/", at)
            made += "(?:.*/)?" if at < len(pattern) else ".*"
        elif char == "*":
            made += "[^/]*"
        elif char == "?":
            made += "[^/]"
        elif char == "\\" and at < len(pattern):
            made += re.escape(pattern[at])
            at += 1
        else:
            made += char if char in "[]^-" else re.escape(char)
    return made
