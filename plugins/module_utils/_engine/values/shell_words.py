# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words of a command that is written as one text. Only a command in that form loads this."""

from __future__ import annotations

import re
import shlex
from typing import Tuple

from ..._desired.errors import InvalidOption

_PARTS = re.compile(r"'[^']*'|\"(?:\\.|[^\"\\])*\"|\\.", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def split(text: str, where: str) -> Tuple[str, ...]:
    """Return the words of a text as a shell would split it, without one; InvalidOption if none can.

    A backslash at the end of a line joins it with the next one, other than in single quotes, where
    it is a backslash (POSIX shell, 2.2.1); shlex would make a line feed of it.
    """
    try:
        return tuple(shlex.split(_PARTS.sub(_joined, text)))
    except ValueError as exc:
        raise InvalidOption(
            f"cannot be split into words: {str(exc).lower()}",
            option=where,
            hint="close the quote, or write a list of words",
        ) from None


def _joined(match: re.Match[str]) -> str:
    part = match.group()
    if part[0] == "'":
        return part
    return _ESCAPED.sub(lambda entry: "" if entry[1] == "\n" else entry[0], part)
