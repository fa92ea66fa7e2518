"""The executor: what runs beside what, what begins after what, and how a run ends."""

from __future__ import annotations

import threading
from typing import Any, Callable, Dict, List, Optional, Set

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import FleetError
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.execute import (
    Result,
    execute,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.plan import Plan
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.steps import Step

# Nothing here takes as long: a test that would hang fails instead.
PATIENCE = 10.0


def steps(needs: Dict[str, str]) -> List[Step]:
    """Return steps by their ids, with the ids that each needs: `{"b": "a"}`."""
    return [Step(ident, "tank/a", "do", ("it",), needs=tuple(needs[ident])) for ident in needs]


def run(needs: Dict[str, str], act: Callable[[Step, int], Optional[bool]], **more: Any) -> Result:
    """Execute steps; fail if that does not end. What it raises is raised here."""
    result: List[Result] = []
    raised: List[BaseException] = []

    def whole() -> None:
        try:
            result.append(execute(Plan(tuple(steps(needs))), steps(needs), act, **more))
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=whole, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive(), "it does not end"
    if raised:
        raise raised[0]
    return result[0]


def once(action: Callable[[], Any]) -> Callable[[Step, int], Optional[bool]]:
    """Return an act that is the same for each step."""
    return lambda _step, _worker: action()


@pytest.mark.parametrize(("count", "threads"), [(8, 4), (4, 4), (2, 2)])
def test_independent_steps_run_side_by_side_in_up_to_four_threads(
    monkeypatch: pytest.MonkeyPatch, count: int, threads: int
) -> None:
    begun: List[threading.Thread] = []

    class Thread(threading.Thread):
        """A thread that is counted."""

        def start(self) -> None:
            """Count it."""
            begun.append(self)
            super().start()

    monkeypatch.setattr(threading, "Thread", Thread)
    meeting = threading.Barrier(threads)
    workers: Set[int] = set()

    def act(_step: Step, worker: int) -> None:
        workers.add(worker)
        meeting.wait(PATIENCE)

    plan = steps(dict.fromkeys("abcdefgh"[:count], ""))
    result = execute(Plan(tuple(plan)), plan, act)
    assert result.error is None
    assert sorted(result.done) == [step.id for step in plan]
    assert workers == set(range(threads))
    assert len(begun) == threads


@pytest.mark.parametrize("needs", [{"a": "", "b": "a", "c": "b"}, {"a": ""}, {}])
def test_a_chain_runs_in_the_thread_that_asks(needs: Dict[str, str]) -> None:
    seen: List[Any] = []
    plan = steps(needs)
    result = execute(
        Plan(tuple(plan)),
        plan,
        lambda step, worker: seen.append((step.id, worker, threading.get_ident())),
    )
    assert seen == [(ident, 0, threading.get_ident()) for ident in needs]
    assert result.done == list(needs)


def test_one_worker_takes_steps_in_their_order_in_the_thread_that_asks() -> None:
    seen: List[Any] = []
    plan = steps({"a": "", "b": "", "c": ""})
    execute(
        Plan(tuple(plan)),
        plan,
        lambda step, worker: seen.append((step.id, worker, threading.get_ident())),
        workers=1,
    )
    assert seen == [(ident, 0, threading.get_ident()) for ident in "abc"]


@pytest.mark.parametrize("workers", [1, 4])
def test_a_step_begins_only_once_all_that_it_needs_is_done(workers: int) -> None:
    needs = {"d": "bc", "b": "a", "c": "a", "a": "", "e": "", "f": "de"}
    ended: Set[str] = set()
    early: List[str] = []
    meeting = threading.Barrier(2 if workers > 1 else 1)

    def act(step: Step, _worker: int) -> None:
        early.extend(need for need in step.needs if need not in ended)
        if step.id in "bc":  # side by side, if there is more than one worker
            meeting.wait(PATIENCE)
        ended.add(step.id)

    result = run(needs, act, workers=workers)
    assert early == []
    assert sorted(result.done) == sorted(needs)


def test_what_is_needed_and_is_no_step_of_this_run_is_done_already() -> None:
    assert run({"b": "a", "c": "a"}, once(lambda: None)).done in (["b", "c"], ["c", "b"])


def test_of_what_came_to_nothing_the_rest_goes_on() -> None:
    result = run({"a": "", "b": "a"}, lambda step, _worker: False if step.id == "a" else None)
    assert (result.done, result.idle, result.not_begun) == (["b"], ["a"], [])


@pytest.mark.parametrize("outcome", [None, True])
def test_all_but_false_is_done(outcome: Optional[bool]) -> None:
    assert run({"a": ""}, once(lambda: outcome)).done == ["a"]


@pytest.mark.parametrize("error", [FleetError("no"), OSError("no"), KeyError("no")])
def test_after_a_failure_in_a_chain_nothing_begins(error: Exception) -> None:
    begun: List[str] = []

    def act(step: Step, _worker: int) -> None:
        begun.append(step.id)
        if step.id == "b":
            raise error

    result = run({"a": "", "b": "a", "c": "b", "d": "c"}, act)
    assert begun == ["a", "b"]
    assert (result.done, result.failed, result.not_begun) == (["a"], "b", ["c", "d"])
    assert result.error is error


def at_the_failure(error: BaseException, then: Callable[[], None]) -> Callable[[Step, int], None]:
    """Return an act of which `a` fails while `b` is under way, which goes on after it by `then`.

    No other step may begin.
    """
    failing: List[threading.Thread] = []
    begun = {ident: threading.Event() for ident in "ab"}

    def act(step: Step, _worker: int) -> None:
        assert step.id in begun, f"{step.id} began"
        if step.id == "a":
            failing.append(threading.current_thread())
        begun[step.id].set()
        for event in begun.values():
            assert event.wait(PATIENCE)
        if step.id == "a":
            raise error
        failing[0].join(PATIENCE / 2)  # that worker ends, since it may begin nothing
        assert not failing[0].is_alive()
        then()

    return act


@pytest.mark.parametrize("needs", [{"a": "", "b": "", "c": ""}, {"a": "", "b": "", "c": "b"}])
@pytest.mark.parametrize("error", [FleetError("no"), OSError("no"), RecursionError()])
def test_what_is_under_way_at_a_failure_ends_and_nothing_begins(
    needs: Dict[str, str], error: Exception
) -> None:
    result = run(needs, at_the_failure(error, lambda: None), workers=2)
    assert result.error is error
    assert (result.done, result.failed, result.not_begun) == (["b"], "a", ["c"])


def test_workers_that_wait_for_a_need_end_when_it_fails() -> None:
    def act(step: Step, _worker: int) -> None:
        raise FleetError(step.id)

    result = run({"a": "", "b": "a", "c": "a", "d": "a", "e": "a"}, act)
    assert (result.failed, result.not_begun) == ("a", list("bcde"))


def test_steps_of_the_plan_that_were_not_asked_for_have_not_begun() -> None:
    plan = steps({"a": "", "b": "a", "c": "b"})
    result = execute(Plan(tuple(plan)), plan[:1], once(lambda: None))
    assert (result.done, result.not_begun) == (["a"], ["b", "c"])


def failing(error: BaseException) -> Callable[[], None]:
    """Return an action that raises this."""

    def action() -> None:
        raise error

    return action


def test_what_fails_while_another_one_has_failed_is_told_as_well() -> None:
    first, second = FleetError("first"), FleetError("second")
    result = run({"a": "", "b": "", "c": "b"}, at_the_failure(first, failing(second)), workers=2)
    assert (result.failed, result.error) == ("a", first)
    assert result.errors == {"a": first, "b": second}
    assert (result.done, result.not_begun) == ([], ["c"])


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1)])
def test_what_ends_the_process_is_raised_once_what_is_under_way_has_ended(
    error: BaseException,
) -> None:
    ended: List[str] = []
    with pytest.raises(type(error)) as raised:
        run({"a": "", "b": "", "c": "b"}, at_the_failure(error, lambda: ended.append("b")))
    assert raised.value is error
    assert ended == ["b"]


def test_what_ends_the_process_goes_before_a_failure() -> None:
    act = at_the_failure(FleetError("no"), failing(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        run({"a": "", "b": "", "c": ""}, act, workers=2)


@pytest.mark.parametrize("workers", [1, 4])
def test_what_ends_the_process_is_raised_out_of_a_chain(workers: int) -> None:
    begun: List[str] = []

    def act(step: Step, _worker: int) -> None:
        begun.append(step.id)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run({"a": "", "b": "a"}, act, workers=workers)
    assert begun == ["a"]


def test_an_interrupt_of_the_thread_that_waits_lets_nothing_begin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Such as a time limit of Ansible's, which is an alarm in the main thread."""
    interrupted, under_way = threading.Event(), threading.Barrier(3)
    workers: List[threading.Thread] = []
    begun: List[str] = []

    def act(step: Step, _worker: int) -> None:
        begun.append(step.id)
        workers.append(threading.current_thread())
        under_way.wait(PATIENCE)
        assert interrupted.wait(PATIENCE)

    join = threading.Thread.join

    def interrupt(_thread: threading.Thread, *_limit: float) -> None:
        under_way.wait(PATIENCE)
        raise KeyboardInterrupt

    plan = steps({"a": "", "b": "", "c": "", "d": "a"})
    monkeypatch.setattr(threading.Thread, "join", interrupt)
    with pytest.raises(KeyboardInterrupt):
        execute(Plan(tuple(plan)), plan, act, workers=2)
    monkeypatch.setattr(threading.Thread, "join", join)
    interrupted.set()
    for worker in workers:
        worker.join(PATIENCE)
        assert not worker.is_alive()
    assert sorted(begun) == ["a", "b"]


@pytest.mark.parametrize("workers", [1, 4])
def test_needs_that_cannot_be_met_are_an_error(workers: int) -> None:
    with pytest.raises(ValueError, match="steps need one another: b, c"):
        run({"a": "", "b": "c", "c": "b"}, once(lambda: None), workers=workers)


def test_steps_that_only_wait_keep_no_other_from_being_done() -> None:
    """All waits are under way, which are more than workers, when the last step is done."""
    waits = [f"w{number}" for number in range(6)]
    needs = {**dict.fromkeys(waits, ""), "z": ""}
    over = threading.Event()

    def act(step: Step, _worker: int) -> None:
        if step.id in waits:
            assert over.wait(PATIENCE)
        else:
            over.set()

    result = run(needs, act, workers=2, waits=waits, watchers=8)
    assert result.error is None
    assert sorted(result.done) == [*waits, "z"]


def test_what_needs_a_wait_begins_after_it() -> None:
    needs = {"a": "", "b": "a", "c": "b", "d": "", "e": "d", "f": "ec"}
    order: List[str] = []
    result = run(
        needs, lambda step, _worker: order.append(step.id), workers=2, waits="be", watchers=2
    )
    assert sorted(result.done) == list("abcdef")
    for ident, before in needs.items():
        assert all(order.index(other) < order.index(ident) for other in before)


def test_a_wait_that_fails_ends_the_run() -> None:
    def act(step: Step, _worker: int) -> None:
        if step.id == "b":
            raise FleetError("it is down")

    result = run({"a": "", "b": "a", "c": "b"} | {"d": ""}, act, waits="b", watchers=1)
    assert result.failed == "b"
    assert result.not_begun == ["c"]


def test_workers_wait_themselves_where_nobody_else_does() -> None:
    seen: Set[int] = set()
    run({"a": "", "b": "", "c": ""}, lambda _s, worker: seen.add(worker), workers=2, waits="abc")
    assert max(seen) < 2
