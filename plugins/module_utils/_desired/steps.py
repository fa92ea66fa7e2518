# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan holds: changes, and steps with their causes. A no-op does not load this."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import (
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

from .planned import REMOVAL

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


class Causes(str):
    """Several causes of one step: their text, joined, and in `each` what was joined.

    A cause may hold anything, a semicolon too: it is never cut apart again.
    """

    each: Tuple[str, ...]

    def __new__(cls, causes: Iterable[str]) -> Causes:
        """Join causes, each in words."""
        each = tuple(causes)
        result = super().__new__(cls, "; ".join(each))
        result.each = each
        return result


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


def foretold(steps: Sequence[Step]) -> Dict[str, str]:
    """Return what a check tells later tasks of the run: the causes of each address's steps.

    What goes is told by the removal alone (will_go), what a step `frees` as if it went.
    """
    result: Dict[str, str] = {}
    for address, same in grouped(lambda step: step.address, steps).items():
        gone = [step.cause for step in same if step.cause.startswith(REMOVAL)]
        causes = dict.fromkeys(cause for step in same for cause in step.causes)
        result[address] = gone[-1] if gone else str(Causes(causes))
    freed = (step.args["frees"] for step in steps if "frees" in step.args)
    return {**dict.fromkeys(freed, REMOVAL), **result}


def grouped(key: Callable[[Step], str], steps: Iterable[Step]) -> Dict[str, List[Step]]:
    """Return steps by a key, each group where its first step stands."""
    result: Dict[str, List[Step]] = {}
    for step in steps:
        result.setdefault(key(step), []).append(step)
    return result
