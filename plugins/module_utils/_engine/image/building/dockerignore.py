# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`.dockerignore`: the pattern rules of Docker's own matcher (moby/patternmatcher)."""

from __future__ import annotations

import posixpath
import re
from typing import List, Tuple

from ...._desired.errors import InvalidOption
from .glob import Glob

# Which rules match a folder, and so all that is in it: one flag a rule.
Matched = Tuple[bool, ...]
_MAX_PATTERN = 4096


class Ignore:
    """The rules of one `.dockerignore`: the last rule that matches a path or its parent wins.

    `keep` are paths that are sent whatever the rules say. Raise InvalidOption for a pattern that
    Docker would not accept either.
    """

    def __init__(self, text: str, keep: Tuple[str, ...] = ()) -> None:
        self._rules: List[Tuple[bool, Glob]] = []
        for number, line in enumerate(text.lstrip("\ufeff").splitlines(), 1):
            # Only a # in the first column is a comment, as in Docker.
            pattern = "" if line.startswith("#") else line.strip()
            if pattern:
                self._add(pattern, number)
        self._keep = frozenset(keep)
        self._above = frozenset(
            "/".join(parts[:count])
            for parts in (path.split("/") for path in keep)
            for count in range(1, len(parts))
        )
        self._returns = any(negated for negated, _pattern in self._rules)

    def _add(self, pattern: str, number: int) -> None:
        negated = pattern.startswith("!")
        clean = posixpath.normpath(pattern[1:].strip() if negated else pattern)
        clean = clean.lstrip("/") or "/"
        try:
            if negated and clean == ".":
                raise re.error("nothing after !")
            if len(clean) > _MAX_PATTERN:
                raise re.error(f"it is longer than {_MAX_PATTERN} letters")
            self._rules.append((negated, Glob(clean)))
        except re.error as exc:
            shown = pattern if len(pattern) <= 80 else f"{pattern[:80]}…"
            raise InvalidOption(
                f".dockerignore line {number}: '{shown}' is not a pattern ({exc})",
                option="build.context",
                hint="the rules are those of docker build",
            ) from exc

    def returns(self, folder: str) -> bool:
        """Tell if something below an excluded folder may be sent all the same."""
        return self._returns or folder in self._above

    def matched(self, path: str, above: Matched = ()) -> Matched:
        """Return which rules match a path (relative, with /), given those that match its folder."""
        above = above or (False,) * len(self._rules)
        return tuple(
            was or pattern.matches(path) for was, (_negated, pattern) in zip(above, self._rules)
        )

    def leaves_out(self, path: str, matched: Matched) -> bool:
        """Tell if a path, which these rules match, is left out of the context."""
        if path in self._keep:
            return False
        out = False
        for (negated, _pattern), hit in zip(self._rules, matched):
            if hit:
                out = not negated
        return out

    def excludes(self, path: str) -> bool:
        """Tell if a path is left out, whose folders have not been asked for."""
        parts = path.split("/")
        matched: Matched = ()
        for count in range(1, len(parts) + 1):
            matched = self.matched("/".join(parts[:count]), matched)
        return self.leaves_out(path, matched)
