# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a role reads of a host in one call: lines of a word, a tab and a value.

A value of several lines comes in base64. No line is believed to be there.
"""

from __future__ import annotations

from base64 import b64decode
from typing import Any, Dict, List

from ansible_collections.dockyard.fleet.plugins.plugin_utils.filters.os_release import (
    distribution,
)


class Reading:
    """The lines of a reading, by their words."""

    def __init__(self, text: str) -> None:
        self._rows: Dict[str, List[str]] = {}
        # Not splitlines: it splits at characters that may be in a value.
        for line in text.split("\n"):
            word, _tab, value = line.rstrip("\r").partition("\t")
            self._rows.setdefault(word, []).append(value)

    def __contains__(self, word: str) -> bool:
        return word in self._rows

    def all(self, word: str) -> List[str]:
        """Return the values of all lines with this word."""
        return self._rows.get(word, [])

    def first(self, word: str) -> str:
        """Return the value of the first line with this word, "" where there is none."""
        return self._rows.get(word, [""])[0]

    def decoded(self, word: str) -> str:
        """Return the text that the first line with this word has in base64, "" if it has none."""
        try:
            return b64decode(self.first(word)).decode("utf-8", "replace")
        except ValueError:
            return ""

    def host(self) -> Dict[str, Any]:
        """Return what both roles ask of a host: who acts, init, distribution, packages."""
        init = self.first("init")
        return {
            "user": self.first("user"),
            "init": init if init in ("systemd", "sysv") else "direct",
            **distribution(self.decoded("release"), self.first("system")),
            "packages": self.all("package"),
        }
