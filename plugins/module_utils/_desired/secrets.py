# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secret values in the texts of others."""

from __future__ import annotations

from typing import Iterable

from .values import MASK

# A line of a secret is masked by itself from this length on: shorter ones stand in many words.
_LINE = 8


def hide(text: str, secrets: Iterable[str]) -> str:
    """Return a text with every secret value in it masked, long lines of one singly too.

    A log may hold only some lines of a secret that has several, such as a key.
    """
    whole = [entry for entry in secrets if entry]
    lines = [line.strip() for entry in whole for line in entry.splitlines()]
    parts = {*whole, *(line for line in lines if len(line) >= _LINE)}
    for value in sorted(parts, key=len, reverse=True):
        text = text.replace(value, MASK)
    return text
