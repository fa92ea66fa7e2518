# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan: steps with their needs, and what else a user should know."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Dict, Mapping, Tuple

if TYPE_CHECKING:
    from .steps import Step
    from .work import Actor


@dataclass(frozen=True, repr=False, eq=False)
class Plan:
    """Ordered steps with their needs, and what else the user should know.

    `refused` holds sentences that forbid the whole plan; `pending` what waits for a restart;
    `fingerprint` is a digest of the observed values that were compared. `declared` says in lines
    what is declared for a resource that is made, by address. `others` have by address the verbs of
    steps that are about another resource than the one whose plan it is.
    """

    steps: Tuple[Step, ...] = ()
    notes: Tuple[str, ...] = ()
    pending: Tuple[str, ...] = ()
    refused: Tuple[str, ...] = ()
    fingerprint: str = ""
    declared: Mapping[str, Tuple[str, ...]] = field(default_factory=dict)
    others: Mapping[str, Actor] = field(default_factory=dict)

    def text(self) -> str:
        """Print the plan: an address a paragraph, its causes, then its steps in order."""
        if not (self.steps or self.notes or self.pending or self.refused):
            return "nothing to do\n"
        from .plan_text import text

        rest = {"refused": self.refused, "note": self.notes, "pending": self.pending}
        return text(self.steps, self.declared, rest)

    def public(self) -> Dict[str, Any]:
        """Return the plan as a JSON-able dict for results and saved plans."""
        return {
            "steps": [step.public() for step in self.steps],
            "notes": list(self.notes),
            "pending": list(self.pending),
            "refused": list(self.refused),
            "fingerprint": self.fingerprint,
            "declared": {address: list(lines) for address, lines in self.declared.items()},
            "text": self.text(),
        }
