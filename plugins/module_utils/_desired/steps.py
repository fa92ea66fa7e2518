# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan holds: changes, steps, and how they are said. A no-op does not load this."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    Dict,
    Iterable,
    List,
    Mapping,
    Optional,
    Sequence,
    Tuple,
)

from .errors import Refused
from .fields import REMOVAL
from .terminal_text import visible

if TYPE_CHECKING:
    from .fields import Plan
    from .resource import Desired

# What a change costs, mildest first. `destroy` loses data.
IMPACTS = ("none", "live", "restart", "replace", "destroy")


# Characters of a plan that is said in one line.
_WIDTH = 240


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


class Causes(str):
    """Several causes of one step: their text, joined, and in `each` what was joined.

    A cause may hold anything, a semicolon too: it is never cut apart again.
    """

    each: Tuple[str, ...]

    def __new__(cls, causes: Iterable[str]) -> Causes:
        """Join causes, each in words."""
        each = tuple(causes)
        made = super().__new__(cls, "; ".join(each))
        made.each = each
        return made


@dataclass(frozen=True)
class Step:
    """One mutation with its cause, which is text or Causes.

    `args` holds ids and names only, never bodies or secrets: `on` is what the verb acts on, `to`
    its target, `frees` an address that nothing has any more afterwards. `needs` are ids of steps
    that must be done before. A `maybe` step may turn out to be needless once the steps before it
    are done. `noted` is what its verb told of it once it was begun, such as the id of what it
    made: for the way back, it is not shown.
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

    @property
    def causes(self) -> Tuple[str, ...]:
        """Each of its causes in words; none for a step that is not planned for one."""
        if isinstance(self.cause, Causes):
            return self.cause.each
        return (self.cause,) if self.cause else ()

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
            "cause": str(self.cause),
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
    for address, steps in _by(lambda step: step.address, plan.steps).items():
        lines.append(address)
        for same in _by(lambda step: step.cause, steps).values():
            impact = worst([step.impact for step in same])
            lines += [f"  {one} [{impact}]" for one in same[0].causes]
            lines.append("    " + " · ".join(step.words() for step in same))
        lines += [f"      {line}" for line in plan.declared.get(address, ())]
    lines += [f"refused: {reason}" for reason in plan.refused]
    lines += [f"note: {note}" for note in plan.notes]
    lines += [f"pending: {what}" for what in plan.pending]
    # A value of several lines would look like further lines of the plan.
    return "".join(visible(line, len(line) * 10) + "\n" for line in lines)


def foretold(steps: Sequence[Step]) -> Dict[str, str]:
    """Return what a check tells later tasks of the run: the causes of each address's steps.

    What goes is told by the removal alone (will_go), what a step `frees` as if it went.
    """
    made: Dict[str, str] = {}
    for address, same in _by(lambda step: step.address, steps).items():
        gone = [step.cause for step in same if step.cause.startswith(REMOVAL)]
        causes = dict.fromkeys(cause for step in same for cause in step.causes)
        made[address] = gone[-1] if gone else str(Causes(causes))
    freed = (step.args["frees"] for step in steps if "frees" in step.args)
    return {**dict.fromkeys(freed, REMOVAL), **made}


def summary(plan: Plan) -> str:
    """Say a plan that has steps in one line of bounded length."""
    said: List[str] = []
    for address, steps in _by(lambda step: step.address, plan.steps).items():
        impact = worst([step.impact for step in steps])
        causes = "; ".join(dict.fromkeys(step.cause for step in steps))
        said.append(f"{address}: {causes} [{impact}]")
    return visible(" · ".join(said), _WIDTH)


def _by(key: Callable[[Step], str], steps: Iterable[Step]) -> Dict[str, List[Step]]:
    made: Dict[str, List[Step]] = {}
    for step in steps:
        made.setdefault(key(step), []).append(step)
    return made


def check_bounds(desired: Desired, plan: Plan) -> None:
    """Raise Refused, with every reason, if a plan goes beyond what the user allows."""
    refused = list(plan.refused)
    for step in plan.steps:
        if desired.protect and step.impact in ("replace", "destroy"):
            refused.append(f"{step.cause}: protect forbids to replace or remove it")
        elif step.impact not in ("none", "destroy", *desired.allow):
            allowed = ", ".join(desired.allow) or "nothing"
            refused.append(f"{step.cause}: needs {step.impact}, allow has only {allowed}")
    if refused:
        reasons = list(dict.fromkeys(refused))
        stopped = replace(plan, refused=tuple(reasons))
        raise Refused(
            "refused: " + "; ".join(reasons),
            address=desired.address,
            details={"plan": {"text": stopped.text()}, "diff": {"prepared": stopped.text()}},
        )
