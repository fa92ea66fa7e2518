# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words of programs and machines as they may be shown on a terminal."""

from __future__ import annotations

import re

from .errors import printable

# Colours (ECMA-48, 8.3.117) say nothing; every other sequence is shown as what it is.
_COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
_LONGEST = 500


def visible(text: str, most: int = _LONGEST) -> str:
    r"""Return a line of text without what a terminal would obey, at most so many characters of it.

    Control characters, and those that turn the direction of writing, are written as Python does
    (`\x1b`, `\u202e`); of colours nothing is left.
    """
    if len(text) <= most and text.isprintable():
        return text
    plain = _COLOUR.sub("", text[: most * 10])
    shown = printable(plain).replace("\n", "\\n")
    return shown if len(shown) <= most else shown[:most] + "…"
