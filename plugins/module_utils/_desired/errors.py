# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception family of the collection: every failure a user can meet is a FleetError."""

from __future__ import annotations

from typing import Any, Dict, Optional

_BLANK = "\n\t"


def printable(text: str) -> str:
    """Return a text whose control characters, and halves of characters, are written as escapes.

    Messages hold what others wrote, and a terminal would obey it.
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one in _BLANK else ascii(one)[1:-1] for one in text)


class FleetError(Exception):
    """A failure with what a user needs: where, what happened, what would be right.

    `option` is the key path of the option at fault (`ports[1].published`), `address` the resource
    (`container/web`); `message` says what happened, `hint` what would be right, `details` carries
    evidence as JSON-able values (`log`: the last log lines, `exit_code`: an int). None of them may
    hold a secret value. `outcome_unknown` marks errors after which a mutation may have happened,
    `refused` those of a server that has not even tried.
    """

    outcome_unknown = False
    refused = False

    def __init__(
        self,
        message: str,
        *,
        option: Optional[str] = None,
        address: Optional[str] = None,
        hint: Optional[str] = None,
        details: Optional[Dict[str, Any]] = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.option = option
        self.address = address
        self.hint = hint
        self.details = details or {}

    def __str__(self) -> str:
        where = self.option or self.address
        text = f"{where}: {self.message}" if where else self.message
        return printable(f"{text}; {self.hint}" if self.hint else text)


class InvalidOption(FleetError):
    """An option that cannot be right, found before anything was written."""


class Refused(FleetError):
    """A plan that goes beyond `allow`, meets `protect` or needs `adopt`; nothing was written."""


class EngineMissing(FleetError):
    """There is no engine to talk to: no socket, nobody listening, or no permission on it."""
