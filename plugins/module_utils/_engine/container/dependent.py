# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container in the namespaces of another one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from .inspected import Inspect, runs


@dataclass(frozen=True, repr=False, eq=False)
class Dependent:
    """One of them: `old` uses the namespaces of `parent`, `new` takes its place, None not yet.

    `took` is the id of the one whose place `old` has taken, "" for none, and `had_run` says that
    `old` ran before `new` was made.
    """

    name: str
    old: Inspect
    parent: str
    new: Optional[Inspect] = None
    took: str = ""
    had_run: bool = False

    @property
    def address(self) -> str:
        """Its name in plans."""
        return f"container/{self.name}"

    @property
    def id(self) -> str:
        """The id of the old one."""
        return str(self.old["Id"])

    @property
    def ran(self) -> bool:
        """Whether it ran before all this."""
        return runs(self.old) or self.had_run
