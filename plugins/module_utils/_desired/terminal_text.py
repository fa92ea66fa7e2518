# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words of programs and machines as they may be shown on a terminal."""

from __future__ import annotations

import re

# Colours (ECMA-48, 8.3.117) say nothing; every other sequence is shown as what it is.
_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
_LONGEST = 500


def visible_lines(text: str) -> str:
    """Return a text of several lines, each made visible, whole: what others say ends in messages.

    Every error, plan and diff goes through here, so that no program in a container, engine or
    guest writes to the terminal, or hides what stands there.
    """
    lines = (line.rstrip("\r") for line in text.split("\n"))
    return "\n".join(
        line if line.isprintable() else visible(line, len(line) * 10) for line in lines
    )


def visible(text: str, most: int = _LONGEST) -> str:
    r"""Return a line of text without what a terminal would obey, at most so many characters of it.

    Control characters, and those that turn the direction of writing, are written as Python does
    (`\x1b`, `\u202e`); of colours nothing is left.
    """
    if len(text) <= most and text.isprintable():
        return text
    plain = _COLOUR.sub("", text[: most * 10])
    shown = "".join(
        entry
        if entry.isprintable() or entry == "\t"
        else entry.encode("unicode_escape").decode("ascii")
        for entry in plain
    )
    return shown if len(shown) <= most else shown[:most] + "…"
