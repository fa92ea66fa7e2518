# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The executor: runs the steps of a plan in the order of their needs. It decides nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional, Sequence

from .plan import Plan
from .steps import Step

# Runs one step; the int numbers the worker, so that each can keep a connection of its own.
# False says that nothing came of it (a pull that brought nothing new).
Act = Callable[[Step, int], Optional[bool]]


@dataclass
class Result:
    """What running a plan did: step ids by outcome, the error if one failed, the resource after.

    `notes` is what verbs noted of steps, by their ids.
    """

    plan: Plan
    done: List[str] = field(default_factory=list)
    idle: List[str] = field(default_factory=list)
    failed: Optional[str] = None
    error: Optional[Exception] = None
    not_begun: List[str] = field(default_factory=list)
    report: Dict[str, Any] = field(default_factory=dict)
    notes: Dict[str, Dict[str, str]] = field(default_factory=dict)
    resource: Any = None


def execute(plan: Plan, steps: Sequence[Step], act: Act, workers: int = 4) -> Result:
    """Run `steps` of a plan with `act`, independent ones in parallel, and report the outcome.

    No new step begins after the first failure; steps under way are waited for. `Result.error` is
    the exception that `act` raised. A need that is not among `steps` counts as met.
    """
    run = _Run(plan, steps, act)
    if workers < 2 or _is_chain(steps):
        run.work(0)
    else:
        _with_threads(run, min(workers, len(steps)))
    run.result.not_begun = [step.id for step in run.left]
    return run.result


def _is_chain(steps: Sequence[Step]) -> bool:
    pairs = zip(steps, steps[1:])
    return all(before.id in after.needs for before, after in pairs)


class _Run:
    """The state that workers share: what is left, what is under way, how it ended."""

    def __init__(self, plan: Plan, steps: Sequence[Step], act: Act) -> None:
        self.left: List[Step] = list(steps)
        self.unmet = {step.id for step in steps}
        self.act = act
        self.result = Result(plan)

    def next(self) -> Optional[Step]:
        """Take the first step whose needs are met; None when there is none now."""
        for step in self.left:
            if not self.unmet.intersection(step.needs):
                self.left.remove(step)
                return step
        return None

    def work(self, worker: int) -> None:
        """Run step after step in this thread until none can begin."""
        step = self.next()
        while step is not None and self.result.error is None:
            self.run(step, worker)
            step = self.next() if self.result.error is None else None

    def run(self, step: Step, worker: int) -> None:
        """Run one step and note its outcome."""
        try:
            useful = self.act(step, worker)
        except Exception as error:  # whatever it is, it becomes the result's error
            if self.result.error is None:
                self.result.failed, self.result.error = step.id, error
            return
        (self.result.idle if useful is False else self.result.done).append(step.id)
        self.unmet.discard(step.id)


def _with_threads(run: _Run, workers: int) -> None:
    # Threads cost an import on the target: only plans that branch pay for it.
    import threading

    changed = threading.Condition()
    busy = [0]

    def work(number: int) -> None:
        while True:
            with changed:
                step = run.next() if run.result.error is None else None
                while step is None:
                    if run.result.error is not None or not run.left or not busy[0]:
                        return
                    changed.wait()
                    step = run.next() if run.result.error is None else None
                busy[0] += 1
            run.run(step, number)
            with changed:
                busy[0] -= 1
                changed.notify_all()

    threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
