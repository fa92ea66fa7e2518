# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals by their names and numbers on Linux, where containers run, whatever runs this."""

from __future__ import annotations

import re
from typing import Any, Optional

# From 1 on. The engine has the same table (moby/sys, signal/signal_linux.go).
_NAMES = (
    *("HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV"),
    *("USR2", "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN"),
    *("TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS"),
)
_ALIASES = {"IOT": 6, "CLD": 17, "POLL": 29}
# Real-time signals count from both ends, by whole numbers up to these.
_FIRST, _UP, _LAST, _DOWN = 34, 15, 64, 14
_REAL_TIME = re.compile(r"RTMIN(?:\+([1-9][0-9]?))?|RTMAX(?:-([1-9][0-9]?))?")


def signal_number(value: Any) -> Optional[int]:
    """Return the number of `9`, `KILL` or `SIGKILL`; None if there is no such signal."""
    word = str(value).upper()
    if word.isdecimal():
        return int(word) if 0 < int(word) <= _LAST else None
    word = word[3:] if word.startswith("SIG") else word
    if word in _NAMES:
        return _NAMES.index(word) + 1
    match = _REAL_TIME.fullmatch(word)
    if match is None:
        return _ALIASES.get(word)
    up, down = int(match.group(1) or 0), int(match.group(2) or 0)
    if up > _UP or down > _DOWN:
        return None
    return _FIRST + up if word.startswith("RTMIN") else _LAST - down


def signal_name(number: int) -> str:
    """Return a signal's usual name, or its number if it has none."""
    if 0 < number <= len(_NAMES):
        return f"SIG{_NAMES[number - 1]}"
    if _FIRST <= number <= _FIRST + _UP:
        return "SIGRTMIN" + (f"+{number - _FIRST}" if number > _FIRST else "")
    if _LAST - _DOWN <= number <= _LAST:
        return "SIGRTMAX" + (f"-{_LAST - number}" if number < _LAST else "")
    return str(number)
