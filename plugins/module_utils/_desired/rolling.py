# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Updating the parts of a group in batches, and going back if a batch fails.

What a replacement removes last of all is kept until every batch has come up, if the update is to go
back otherwise: then each part goes back to the very thing that it was.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, Dict, List, Sequence, Tuple

from .apply import apply, recover, shown
from .bounds import check_bounds
from .errors import FleetError
from .part import Part
from .steps import Step

# By which a replacement ends, and after which there is no way back.
_LAST = "remove"


@dataclass(frozen=True)
class Pace:
    """How parts are updated, or go back: `parallelism` at a time (0 for all), `delay` seconds
    between. If more than `ratio` of them fail, `action` is taken: `pause`, `continue`, `rollback`.
    `monitor` is how many seconds each is watched, 0 for as long as it is watched anyway."""

    parallelism: int
    delay: float
    action: str
    ratio: float
    start_first: bool
    monitor: float

    def batches(self, parts: Sequence[Part]) -> List[List[Part]]:
        """Return parts by batches."""
        size = self.parallelism or len(parts)
        return [list(parts[at : at + size]) for at in range(0, len(parts), size or 1)]

    def bears(self, failures: int, count: int) -> bool:
        """Tell whether so many failures among so many parts are within the ratio."""
        return failures <= self.ratio * count


@dataclass
class Rolling:
    """An update of parts with the same name, such as the replicas of a service.

    The resource of each has `revert(desired, observed, before, pace)`, the plan to what it was
    before the update. `begun` are those that an interrupted update has got to.
    """

    name: str
    parts: List[Part]
    pace: Pace
    rollback: Pace
    begun: List[Part]

    @property
    def batches(self) -> List[List[Part]]:
        """The parts by batches."""
        return self.pace.batches(self.parts)


def look_again(parts: Sequence[Part], client: Any) -> List[Part]:
    """Observe and plan parts anew, since time has passed; return those that have steps.

    Raise Refused if their plans go beyond what is allowed.
    """
    for part in parts:
        part.look(client, {}, True)
        part.make_plan()
    check_bounds(parts)
    return [part for part in parts if part.plan.steps]


class Roll:
    """One run of an update; `again`: its parts have to be looked at once more beforehand."""

    def __init__(self, rolling: Rolling, client: Any, again: bool) -> None:
        self.rolling = rolling
        self.client = client
        self._again = again
        self.told: List[Dict[str, Any]] = []
        self.failures: List[FleetError] = []
        # What an interrupted update has got to goes back as well.
        self._before: Dict[str, Any] = {part.address: part.observed for part in rolling.begun}
        self._last: Dict[str, Tuple[Step, ...]] = {}
        self._updated: Dict[str, Part] = {}

    def run(self) -> List[Dict[str, Any]]:
        """Update batch after batch; return the parts' results, or raise FleetError."""
        batches = self.rolling.batches
        for number, batch in enumerate(batches):
            words = f"batch {number + 1} of {len(batches)}"
            if number:
                self._pause(self.rolling.pace.delay, f"waiting for {words}")
            with shown(self.client, self.rolling.name, words):
                self._update(batch, again=self._again or bool(number))
        self._end()
        if self.failures:
            raise self._error([])
        return self.told

    def _update(self, batch: List[Part], again: bool) -> None:
        """Update a batch; after a failure that is borne, what is left of it."""
        left = batch
        while left:
            try:
                if again:
                    left = look_again(left, self.client)
                self._keep_last(left)
                self.told += apply(left, self.client).values() if left else ()
                self._updated.update((part.address, part) for part in left)
                return
            except FleetError as error:
                self._failed(error)
                others = [part for part in left if part.address != error.failed_part]
                left = others if error.failed_part else []
                again = True

    def _keep_last(self, parts: Sequence[Part]) -> None:
        """Have plans end before what there is no way back from."""
        for part in parts:
            self._before.setdefault(part.address, part.observed)
            steps = part.plan.steps
            kept = len(steps)
            while self.rolling.pace.action == "rollback" and kept and steps[kept - 1].verb == _LAST:
                kept -= 1
            self._last[part.address] = steps[kept:]
            part.later = frozenset(step.id for step in steps[kept:])

    def _end(self) -> None:
        """Remove what the new ones have replaced."""
        parts = [part for part in self._updated.values() if self._last[part.address]]
        whole = {part.address: part.plan.steps for part in parts}
        for part in parts:
            part.plan = replace(part.plan, steps=self._last[part.address])
            part.later = frozenset()
        if parts:
            self.told += apply(parts, self.client).values()
        for part in parts:
            part.plan = replace(part.plan, steps=(*whole[part.address], *part.plan.steps))

    def _failed(self, error: FleetError) -> None:
        """Note a failure; raise it if the update does not go on."""
        self.failures.append(error)
        pace = self.rolling.pace
        if pace.action == "continue" or pace.bears(len(self.failures), len(self.rolling.parts)):
            return
        raise self._error(self._rollback() if pace.action == "rollback" else [])

    def _rollback(self) -> List[str]:
        """Bring back what was updated, the last first; return what could not be, in words."""
        pace = self.rolling.rollback
        begun = [part for part in reversed(self.rolling.parts) if part.address in self._before]
        stuck: List[str] = []
        for number, batch in enumerate(pace.batches(begun)):
            if number:
                self._pause(pace.delay, "waiting for the next to go back")
            for part in batch:
                problem = self._revert(part)
                if problem:
                    stuck.append(f"{part.address}: {problem}")
                else:
                    self._updated.pop(part.address, None)
            if pace.action != "continue" and not pace.bears(len(stuck), len(begun)):
                break
        return stuck

    def _revert(self, part: Part) -> str:
        resource: Any = part.resource
        before = self._before[part.address]

        def plan(observed: Any) -> Any:
            return resource.revert(part.desired, observed, before, self.rolling.rollback)

        with shown(self.client, part.address, f"going back, as {self.rolling.name} is updated"):
            return recover(part, self.client, plan) or ""

    def _pause(self, seconds: float, words: str) -> None:
        if seconds > 0:
            with shown(self.client, self.rolling.name, words) as tell:
                tell(words, seconds)
                time.sleep(seconds)

    def _error(self, stuck: Sequence[str]) -> FleetError:
        """Return the first failure with what became of the update."""
        error, count = self.failures[0], len(self.rolling.parts)
        name, action = self.rolling.name, self.rolling.pace.action
        told = [error.hint] if error.hint else []
        if stuck:
            told.append(f"going back failed ({'; '.join(stuck)}); the next run continues from here")
        elif action == "rollback" and not self._updated:
            told.append(f"all containers of {name} are as before (failure_action: rollback)")
        else:
            told.append(
                f"{len(self._updated)} of {count} containers of {name} are updated, the others "
                f"are as before (failure_action: {action})"
            )
        told += [f"also: {other}" for other in self.failures[1:]]
        error.hint = "; ".join(told)
        steps = [step.words() for part in self._updated.values() for step in part.plan.steps]
        error.details["done"] = [*steps, *error.details.get("done", ())]
        left = any(failure.left_behind for failure in self.failures)
        error.details["changed"] = bool(self._updated or stuck or left)
        return error
