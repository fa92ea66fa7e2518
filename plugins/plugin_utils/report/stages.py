# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the stages of a run take: its plays, and the roles in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List


@dataclass
class Stage:
    """A play or a part of one: when it began and ended, in seconds of a monotonic clock.

    `parts` are its roles by name, and what belongs to none under "tasks". Where hosts go on by
    themselves, parts overlap: each lasts from its first task on any host to its last one.
    """

    name: str
    begun: float
    ended: float = 0.0
    parts: Dict[str, Stage] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """How long it took."""
        return max(0.0, self.ended - self.begun)


class Stages:
    """The plays of a run, in order; those in which nothing ran are left out of `plays`."""

    def __init__(self) -> None:
        self._plays: List[Stage] = []

    def play(self, name: str, now: float) -> None:
        """Begin a play."""
        self._plays.append(Stage(name, now))

    def begin(self, role: str, now: float) -> None:
        """Note that a task of a role, or of none, begins on a host."""
        if self._plays:
            self._plays[-1].parts.setdefault(role or "tasks", Stage(role or "tasks", now, now))

    def end(self, role: str, now: float) -> None:
        """Note that one has ended on a host."""
        self.begin(role, now)
        if self._plays:
            play = self._plays[-1]
            play.ended = play.parts[role or "tasks"].ended = now

    @property
    def plays(self) -> List[Stage]:
        """The plays in which a task ended."""
        return [play for play in self._plays if play.ended]
