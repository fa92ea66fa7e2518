# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan holds: changes, steps, and how they are said. A no-op does not load this."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Tuple

if TYPE_CHECKING:
    from .model import Plan

# What a change costs, mildest first. `destroy` loses data.
IMPACTS = ("none", "live", "restart", "replace", "destroy")


def worst(impacts: List[str]) -> str:
    """Return the gravest of some impacts; `none` for an empty list."""
    return max(impacts, key=IMPACTS.index, default="none")


@dataclass(frozen=True)
class Change:
    """One field, before and after; a map field gives one change a key.

    Values that must not be shown are replaced by MASK when the change is made, so that a plan can
    be printed and saved as it is. `origin` tells why: the user edited the declaration (`declared`),
    took an entry out of it (`dropped`), somebody else edited the resource (`drift`), or there is
    no record to tell (`unknown`). `text` is the change in the row's own units.
    """

    field: str
    key: str
    before: Any
    after: Any
    impact: str
    origin: str = "unknown"
    secret: bool = False
    text: str = ""

    def words(self) -> str:
        """Say the change in one line: `environment.LOG: info → debug`."""
        where = f"{self.field}.{self.key}" if self.key else self.field
        drift = " (changed outside)" if self.origin == "drift" else ""
        return f"{where}: {self.text}{drift}"


@dataclass(frozen=True)
class Step:
    """One mutation with its cause.

    `args` holds ids and names only, never bodies or secrets: `on` is what the verb acts on, `to`
    its target. `needs` are ids of steps that must be done before. A `maybe` step may turn out to
    be needless once the steps before it are done. `noted` is what its verb told of it once it was
    begun, such as the id of what it made: for the way back, it is not shown.
    """

    id: str
    address: str
    verb: str
    cause: str
    impact: str = "none"
    changes: Tuple[Change, ...] = ()
    needs: Tuple[str, ...] = ()
    maybe: bool = False
    args: Mapping[str, str] = field(default_factory=dict)
    noted: Mapping[str, str] = field(default_factory=dict)

    def words(self) -> str:
        """Say what the step does: `rename web → web.old-0123456789ab`."""
        target = f" → {self.args['to']}" if "to" in self.args else ""
        text = f"{self.verb} {self.args.get('on', self.address)}{target}"
        return f"{text} (maybe)" if self.maybe else text

    def public(self) -> Dict[str, Any]:
        """Return the step as a JSON-able dict for results and saved plans."""
        return {
            "id": self.id,
            "address": self.address,
            "verb": self.verb,
            "cause": self.cause,
            "impact": self.impact,
            "maybe": self.maybe,
            "needs": list(self.needs),
            "args": dict(self.args),
        }


class Chain:
    """Builds the steps of one address, each needing the one before it."""

    def __init__(self, address: str, first: int = 1) -> None:
        self.address = address
        self.steps: List[Step] = []
        self._number = first

    def add(
        self,
        verb: str,
        cause: str,
        impact: str = "none",
        changes: Tuple[Change, ...] = (),
        maybe: bool = False,
        address: str = "",
        args: Optional[Mapping[str, str]] = None,
        **names: str,
    ) -> None:
        """Append a step; `args` and `names` are ids and names (`on`, `to`, `id`)."""
        needs = (self.steps[-1].id,) if self.steps else ()
        where = address or self.address
        number = str(self._number + len(self.steps))
        self.steps.append(
            Step(
                number, where, verb, cause, impact, changes, needs, maybe, {**(args or {}), **names}
            )
        )


def text(plan: Plan) -> str:
    """Print a plan that is not empty: an address a paragraph, its causes, then its steps."""
    lines: List[str] = []
    for address in dict.fromkeys(step.address for step in plan.steps):
        lines += _paragraph([step for step in plan.steps if step.address == address])
        lines += [f"      {line}" for line in plan.declared.get(address, ())]
    lines += [f"refused: {reason}" for reason in plan.refused]
    lines += [f"note: {note}" for note in plan.notes]
    lines += [f"pending: {what}" for what in plan.pending]
    return "\n".join(lines) + "\n"


def _paragraph(steps: List[Step]) -> List[str]:
    lines = [steps[0].address]
    for cause in dict.fromkeys(step.cause for step in steps):
        same = [step for step in steps if step.cause == cause]
        impact = worst([step.impact for step in same])
        changes = [change.words() for step in same for change in step.changes]
        lines += [f"  {part} [{impact}]" for part in _parts(cause, changes)]
        lines.append("    " + " · ".join(step.words() for step in same))
    return lines


def _parts(cause: str, changes: List[str]) -> List[str]:
    """Split a cause at "; ", but keep what a change says whole: its values may hold that too."""
    parts: List[str] = []
    while cause:
        whole = [said for said in changes if f"{cause}; ".startswith(f"{said}; ")]
        parts.append(max(whole, key=len) if whole else _first(cause))
        cause = cause[len(parts[-1]) + 2 :]
    return parts


def _first(cause: str) -> str:
    """Return what comes before the first "; " outside of quotes: commands are quoted."""
    part, more, rest = cause.partition("; ")
    while more and part.count("'") % 2:
        further, more, rest = rest.partition("; ")
        part += f"; {further}"
    return part
