# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The executor: runs the steps of a plan in the order of their needs. It decides nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Callable, Collection, Dict, FrozenSet, Iterator, List, Optional, Sequence

from .plan import Plan
from .steps import Step

# Seconds after which the main thread looks whether a signal has come.
_LOOK = 0.2

# Runs one step; the int numbers the worker, so that each can keep a connection of its own.
# False says that nothing came of it (a pull that brought nothing new).
Act = Callable[[Step, int], Optional[bool]]


@dataclass
class Result:
    """What running steps of a plan did: step ids by outcome.

    `errors` is what failed, by step ids, the first one first: steps that were under way then may
    have failed as well. `not_begun` has all other steps of the plan. `notes` is what verbs noted
    of steps, by their ids.
    """

    plan: Plan
    done: List[str] = field(default_factory=list)
    idle: List[str] = field(default_factory=list)
    errors: Dict[str, Exception] = field(default_factory=dict)
    not_begun: List[str] = field(default_factory=list)
    notes: Dict[str, Dict[str, str]] = field(default_factory=dict)

    @property
    def failed(self) -> Optional[str]:
        """The id of the step that failed first."""
        return next(iter(self.errors), None)

    @property
    def error(self) -> Optional[Exception]:
        """What `act` raised first."""
        return next(iter(self.errors.values()), None)


def execute(
    plan: Plan,
    steps: Sequence[Step],
    act: Act,
    workers: int = 4,
    waits: Collection[str] = (),
    watchers: int = 0,
) -> Result:
    """Run `steps` of a plan with `act`, independent ones in parallel, and report the outcome.

    Steps whose ids are in `waits` only wait: `watchers` more workers, if there are any, have them,
    so that no other step is kept waiting for them. No new step begins after the first failure;
    steps under way are waited for. What is no Exception, such as KeyboardInterrupt, is raised after
    that. A need that is not among `steps` counts as met.
    """
    run = _Run(plan, steps, act)
    if workers < 2 or _is_chain(steps):
        run.work(0)
    else:
        idle = min(watchers, len(waits))
        _with_threads(run, min(workers, len(steps)), idle, frozenset(waits if idle else ()))
    if run.broken is not None:
        raise run.broken
    result = run.result
    if run.left and not result.errors:
        raise ValueError(f"steps need one another: {', '.join(step.id for step in run.left)}")
    begun = {*result.done, *result.idle, *result.errors}
    result.not_begun = [step.id for step in plan.steps if step.id not in begun]
    return result


def _is_chain(steps: Sequence[Step]) -> bool:
    pairs = zip(steps, steps[1:])
    return all(before.id in after.needs for before, after in pairs)


class _Run:
    """The state that workers share: what is left, what is under way, how it ended.

    `broken` is what ends the whole process, not only the run.
    """

    def __init__(self, plan: Plan, steps: Sequence[Step], act: Act) -> None:
        self.left: List[Step] = list(steps)
        self.unmet = {step.id for step in steps}
        self.act = act
        self.result = Result(plan)
        self.broken: Optional[BaseException] = None

    @property
    def is_over(self) -> bool:
        """Whether no step may begin any more."""
        return bool(self.result.errors or self.broken or not self.left)

    def ready(self) -> Iterator[Step]:
        """Yield the steps whose needs are met."""
        for step in () if self.is_over else self.left:
            if not self.unmet.intersection(step.needs):
                yield step

    def next(self, fits: Callable[[Step], bool] = lambda _step: True) -> Optional[Step]:
        """Take the first step whose needs are met, and that fits; None when there is none now."""
        step = next(filter(fits, self.ready()), None)
        if step is not None:
            self.left.remove(step)
        return step

    def work(self, worker: int) -> None:
        """Run step after step in this thread until none can begin."""
        step = self.next()
        while step is not None:
            self.run(step, worker)
            step = self.next()

    def run(self, step: Step, worker: int) -> None:
        """Run one step and note its outcome."""
        try:
            useful = self.act(step, worker)
        except Exception as error:  # whatever it is, it becomes the result's error
            self.result.errors[step.id] = error
        except BaseException as error:  # raised by `execute`: threads would only print it
            self.broken = error
        else:
            (self.result.idle if useful is False else self.result.done).append(step.id)
            self.unmet.discard(step.id)


def _with_threads(run: _Run, workers: int, watchers: int, waits: FrozenSet[str]) -> None:
    # Threads cost an import on the target: only plans that branch pay for it.
    import threading

    changed = threading.Condition()
    busy = [0]

    def work(number: int) -> None:
        watches = number >= workers

        def fits(step: Step) -> bool:
            return (step.id in waits) == watches

        while True:
            with changed:
                step = run.next(fits)
                while step is None:
                    if run.is_over or not (busy[0] or any(run.ready())):
                        return
                    changed.wait()
                    step = run.next(fits)
                busy[0] += 1
            run.run(step, number)
            with changed:
                busy[0] -= 1
                changed.notify_all()

    numbers = range(workers + watchers)
    threads = [threading.Thread(target=work, args=(n,), daemon=True) for n in numbers]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            # Woken now and then: a signal that another thread took waits for this one to look.
            while thread.is_alive():
                thread.join(_LOOK)
    except BaseException as error:  # such as Ansible's alarm, when a task's time is over
        run.broken = error
        raise
