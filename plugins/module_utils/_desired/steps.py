# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan holds: changes, and steps with their causes. A no-op does not load this."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
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
    TypeVar,
    Union,
)

from .planned import Pending, Planned, will_be

# What a change costs, mildest first. `destroy` loses data.
IMPACTS = ("none", "live", "restart", "replace", "destroy")
# What builders of steps take: one cause in words, or several.
Cause = Union[str, Tuple[str, ...]]


def worst(impacts: List[str]) -> str:
    """Return the gravest of some impacts; `none` for an empty list."""
    return max(impacts, key=IMPACTS.index, default="none")


@dataclass(frozen=True)
class Change:
    """One field, before and after; a map field gives one change a key.

    Values that must not be shown are replaced by MASK when the change is made, so that a plan can
    be printed and saved as it is. `origin` tells why: the user edited the declaration (`declared`),
    took an entry out of it (`dropped`), the resource was edited otherwise (`drift`), or there is
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
    """One mutation with its causes, each in words.

    `args` holds ids and names only, never bodies or secrets: `on` is what the verb acts on, `to`
    its target. `needs` are ids of steps that must be done before. A `maybe` step may turn out to be
    needless once the steps before it are done. `noted` is what its verb told of it once it was
    begun, such as the id of what it made: for the way back, it is not shown.

    `effect` is what the step does to what has the address as a whole (`create`, `remove`,
    `rename`; `change` for all else), for later tasks of a check: `keeps` names what a removal
    leaves; `same_as` is another address of the same thing: the one before a rename, or the image
    that gets a further tag.
    """

    id: str
    address: str
    verb: str
    causes: Tuple[str, ...]
    impact: str = "none"
    changes: Tuple[Change, ...] = ()
    needs: Tuple[str, ...] = ()
    maybe: bool = False
    args: Mapping[str, str] = field(default_factory=dict)
    noted: Mapping[str, str] = field(default_factory=dict)
    effect: str = "change"
    keeps: Tuple[str, ...] = ()
    same_as: str = ""

    @property
    def cause(self) -> str:
        """Its causes in one line, for people; it is never taken apart again."""
        return "; ".join(self.causes)

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
        cause: Cause,
        impact: str = "none",
        changes: Tuple[Change, ...] = (),
        maybe: bool = False,
        address: str = "",
        args: Optional[Mapping[str, str]] = None,
        effect: str = "change",
        keeps: Tuple[str, ...] = (),
        same_as: str = "",
        **names: str,
    ) -> None:
        """Append a step; `args` and `names` are ids and names (`on`, `to`, `id`)."""
        causes = (cause,) if isinstance(cause, str) else cause
        needs = (self.steps[-1].id,) if self.steps else ()
        where = address or self.address
        number = str(self._number + len(self.steps))
        self.steps.append(
            Step(
                id=number,
                address=where,
                verb=verb,
                causes=causes,
                impact=impact,
                changes=changes,
                needs=needs,
                maybe=maybe,
                args={**(args or {}), **names},
                effect=effect,
                keeps=keeps,
                same_as=same_as,
            )
        )


def foretold(steps: Sequence[Step]) -> Dict[str, Planned]:
    """Return what a check tells later tasks of the run of what steps would do, by address."""
    result: Dict[str, Planned] = {}
    for address, same in grouped(lambda step: step.address, steps).items():
        causes = tuple(dict.fromkeys(cause for step in same for cause in step.causes))
        whole = [step.effect for step in same if step.effect != "change"]
        keeps = tuple(dict.fromkeys(name for step in same for name in step.keeps))
        kind = whole[-1] if whole else "change"
        same_as = next((step.same_as for step in same if step.same_as), "")
        for step in same:
            if step.effect == "rename":
                # Nothing has the old address any more, and what has the new one is not there yet.
                result[step.same_as] = Planned("rename", step.causes, same_as=address)
        effect = "create" if kind == "rename" else kind
        result[address] = Planned(effect, causes, keeps, same_as if effect != "remove" else "")
    return result


def with_ids(prefix: str, steps: Sequence[Step]) -> Tuple[Step, ...]:
    """Return steps whose ids begin with a prefix, which makes them those of no other resource."""
    return tuple(
        replace(step, id=prefix + step.id, needs=tuple(prefix + need for need in step.needs))
        for step in steps
    )


_Key = TypeVar("_Key")


def with_doubt(steps: Sequence[Step], pending: Pending) -> Tuple[Step, ...]:
    """Return steps, those marked `maybe` that an earlier task of this check makes already: what
    goes by the address, and why, is the same."""
    return tuple(
        replace(step, maybe=True)
        if step.causes
        and will_be(pending, step.address)
        and set(step.causes) <= set(pending[step.address].causes)
        else step
        for step in steps
    )


def grouped(key: Callable[[Step], _Key], steps: Iterable[Step]) -> Dict[_Key, List[Step]]:
    """Return steps by a key, each group where its first step stands."""
    result: Dict[_Key, List[Step]] = {}
    for step in steps:
        result.setdefault(key(step), []).append(step)
    return result
