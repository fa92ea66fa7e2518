# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Status lines as they are drawn: one for each host, cut to the width of a terminal."""

from __future__ import annotations

import unicodedata
from typing import List, NamedTuple, Sequence

# Columns that a host, an address and what is done keep where a terminal is narrow.
_ADDRESS, _HOST, _WORDS, _SHORT_HOST = 10, 12, 10, 6
_ELLIPSIS = "…"


class Status(NamedTuple):
    """What a host is doing: its name, the address of a step, what is done, and for how long."""

    host: str
    address: str
    words: str
    time: str


def width(text: str) -> int:
    """Return how many columns a printable text takes on a terminal."""
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cut(text: str, most: int) -> str:
    """Return a text in at most so many columns, its end left out if it has more."""
    if width(text) <= most:
        return text
    result, taken = "", width(_ELLIPSIS)
    for character in text:
        taken += _columns(character)
        if taken > most:
            break
        result += character
    return (result + _ELLIPSIS) if most > 0 else ""


def status_line(status: Status, columns: int) -> str:
    """Return a status in one line of fewer columns than the terminal has.

    The last column stays free: some terminals begin a new line with it. What is long gives way, the
    address first, whose end tells more than its beginning; the time stays in sight longest.
    """
    host, address, words = status.host, status.address, status.words
    rest = columns - 1 - width(f": : , {status.time}")
    if width(address) > rest - width(host + words):
        address = cut(address[::-1], max(_ADDRESS, rest - width(host + words)))[::-1]
    host = cut(host, max(_HOST, rest - width(address + words)))
    words = cut(words, max(_WORDS, rest - width(host + address)))
    host = cut(host, max(_SHORT_HOST, rest - width(address + words)))
    return cut(f"{host}: {address}: {words}, {status.time}", columns - 1)


def status_lines(statuses: Sequence[Status], columns: int, rows: int) -> List[str]:
    """Return a line for each host, in at most half of a terminal's rows."""
    most = max(1, rows // 2)
    lines = [status_line(entry, columns) for entry in statuses]
    if len(lines) <= most:
        return lines
    left = len(lines) - most + 1
    return [*lines[: most - 1], cut(f"and {left} more hosts", columns - 1)]
