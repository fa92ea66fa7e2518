# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception family of the collection: every failure a user can meet is a FleetError."""

from __future__ import annotations

from typing import Any, Dict, List, Optional


class FleetError(Exception):
    """A failure with what a user needs: where, what happened, what would be right.

    `option` is the key path of the option at fault (`ports[1].published`), `address` the resource
    (`container/web`); `message` says what happened, `hint` what would be right, `details` carries
    evidence as JSON-able values (`log`: the last log lines, `exit_code`: an int). None of them may
    hold a secret value. `outcome_unknown` marks errors after which a mutation may have happened,
    `refused` those of a server that has not even tried. Of a run that failed, `failed_part` is the
    address of the resource that did, and `left_behind` tells whether that is not as before.
    """

    outcome_unknown = False
    refused = False
    failed_part = ""
    left_behind = False

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
        text = f"{text}; {self.hint}" if self.hint else text
        if text.isprintable():
            return text
        from .terminal_text import visible_lines

        return visible_lines(text)


# What code raises that was given something of another shape than it reads.
STRANGE = (
    *(FleetError, ArithmeticError, AttributeError, LookupError),
    *(RecursionError, TypeError, ValueError),
)


class InvalidOption(FleetError):
    """An option that cannot be right, found before anything was written.

    `parts` are the errors that it stands for, mostly itself alone; `single` is true if no other
    option had to be looked at to find it.
    """

    single = False

    @property
    def parts(self) -> List[InvalidOption]:
        """The errors, one an option."""
        return [self]


class Faults:
    """Collects what is wrong with single options: `with faults:` keeps an InvalidOption back.

    Of an option that has several faults the first is kept. `tell` raises what was collected, so
    that a task is told all of it at once.
    """

    def __init__(self) -> None:
        self.errors: List[InvalidOption] = []

    def __enter__(self) -> Faults:
        return self

    def __exit__(self, _kind: object, error: object, _trace: object) -> bool:
        if not isinstance(error, InvalidOption):
            return False
        known = {entry.option or entry.message for entry in self.errors}
        fresh = [entry for entry in error.parts if (entry.option or entry.message) not in known]
        for entry in fresh:
            entry.single = True
        self.errors += fresh
        return True

    def tell(self) -> None:
        """Raise InvalidOption for what was collected, if anything was."""
        if len(self.errors) == 1:
            raise self.errors[0]
        if self.errors:
            raise InvalidOptions(self.errors)


class Refused(FleetError):
    """A plan that goes beyond `allow`, meets `protect` or needs `adopt`; nothing was written."""


class EngineMissing(FleetError):
    """There is no engine to talk to: no socket, nothing listening, or no permission on it."""


class InvalidOptions(InvalidOption):
    """Several options that cannot be right, told together."""

    single = True

    def __init__(self, parts: List[InvalidOption]) -> None:
        super().__init__("\n- ".join([f"{len(parts)} options are wrong:", *map(str, parts)]))
        self._parts = parts

    @property
    def parts(self) -> List[InvalidOption]:
        """The errors, one an option."""
        return self._parts
