"""The pipeline: what a check does and what an apply does, and what the result says."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, Dict, List, Mapping

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import (
    EngineMissing,
    FleetError,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.plan import Plan
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.run import (
    coming,
    foreseen,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.steps import Chain

from tests.lab.agree import agree
from tests.lab.core import run_task

from .jars import ONE, Jar, Jars, Seen, Server


@pytest.fixture
def server() -> Server:
    return Server()


def task(server: Server, check: bool = False, **params: Any) -> Dict[str, Any]:
    return run_task(Jars(), {**ONE, **params}, lambda: server, check)


def both(server: Server, **params: Any) -> Dict[str, Any]:
    """Check a task, apply it, and apply it again; return the result of the first apply."""
    before = repr(server.jars)
    check = task(server, check=True, **params)
    assert server.writes == []
    assert repr(server.jars) == before
    apply = task(server, **params)
    assert not apply.get("failed"), apply["msg"]
    agree(check, apply)
    for key in ("created", "updated", "replaced", "restarted", "changed"):
        assert apply[key] is check[key], key
    again = task(server, **params)
    assert (again["changed"], again["plan"]["steps"]) == (False, []), again["plan"]["text"]
    assert "msg" not in again
    return apply


@pytest.mark.parametrize(
    ("before", "params", "flags", "verbs"),
    [
        (None, {}, "created", "create"),
        ({"size": 2}, {}, "updated", "set"),
        ({"size": 2}, {"labels": {"a": "b"}}, "updated", "set set"),
        ({"glass": "brown"}, {}, "replaced", "remove create"),
        ({"glass": "brown", "size": 2}, {}, "replaced", "remove create"),
        ({}, {}, "", ""),
    ],
)
def test_apply_does_what_check_announced_and_then_there_is_nothing_to_do(
    server: Server, before: Any, params: Dict[str, Any], flags: str, verbs: str
) -> None:
    if before is not None:
        server.jars["a"] = {**ONE, **before}
    result = both(server, **params)
    assert [step["verb"] for step in result["plan"]["steps"]] == verbs.split()
    told = [key for key in ("created", "updated", "replaced", "restarted") if result[key]]
    assert told == flags.split()
    assert result["changed"] is bool(verbs)
    assert server.jars["a"]["size"] == 1


def test_a_removal_is_told_with_nothing_in_its_place(server: Server) -> None:
    server.jars["a"] = dict(ONE)
    check = task(server, check=True, state="absent")
    assert check["_pending"]["jar/a"]["kind"] == "remove"
    result = task(server, state="absent")
    assert (result["changed"], result["jar"], server.jars) == (True, None, {})
    assert task(server, state="absent")["changed"] is False


def test_what_is_declared_for_something_new_is_in_the_plan_without_secrets(server: Server) -> None:
    result = both(server, key="hush-hush", labels={"a": "b"})
    assert server.jars["a"]["key"] == "hush-hush"
    assert "hush-hush" not in repr(result)
    assert result["plan"]["declared"] == {
        "jar/a": ["glass: green", "size: 1", "labels.a: b", "key: ********"]
    }
    assert result["diff"] == {"prepared": result["plan"]["text"]}
    changed = both_again(server, key="other-hush")
    assert changed["plan"]["text"] == "jar/a\n  key: ******** → ******** [live]\n    set a\n"
    assert "hush" not in repr(changed)
    assert changed["plan"]["declared"] == {}


def both_again(server: Server, **params: Any) -> Dict[str, Any]:
    server.writes.clear()
    return both(server, labels={"a": "b"}, **params)


def test_a_change_by_somebody_else_is_told_from_an_edited_declaration(server: Server) -> None:
    task(server)
    server.jars["a"]["size"] = 7
    assert task(server, check=True)["msg"] == "jar/a: size: 7 → 1 (changed outside) [live]"
    assert task(server, check=True, size=2)["msg"] == "jar/a: size: 7 → 2 [live]"


def test_what_may_be_needless_is_decided_once_that_is_known(server: Server) -> None:
    check = task(server, check=True, filling="jam")
    words = ["fetch filling/jam", "create a", "fill a (maybe)"]
    assert [line.split(" · ") for line in check["plan"]["text"].splitlines() if "fetch " in line]
    assert [step["maybe"] for step in check["plan"]["steps"]] == [False, False, True]
    apply = task(server, filling="jam")
    agree(check, apply)
    assert server.writes == ["fetch jam", "create a", "fill a"]
    assert len(apply["plan"]["steps"]) == len(words)
    assert server.jars["a"]["filling"] == "jam 1"
    server.writes.clear()
    # It is asked for each time, and came to nothing: neither it nor the maybe step is a change.
    again = task(server, filling="jam")
    assert server.writes == ["fetch jam"]
    assert (again["changed"], again["plan"]["steps"]) == (False, [])
    server.newest["jam"] = "jam 2"
    newer = task(server, filling="jam")
    assert [step["verb"] for step in newer["plan"]["steps"]] == ["fetch", "fill"]
    assert server.jars["a"]["filling"] == "jam 2"


def test_a_refused_plan_writes_nothing_in_check_and_apply(server: Server) -> None:
    server.jars["a"] = {**ONE, "size": 2}
    said = "jar/a: refused: size: 2 → 1: needs live, but allow has only nothing"
    for check in (True, False):
        result = task(server, check, allow=[])
        assert (result["failed"], result["changed"], result["msg"]) == (True, False, said)
    assert server.writes == []


def test_a_lock_is_held_from_before_the_look_until_all_is_verified(server: Server) -> None:
    events: List[str] = []

    class Watched(Jars):
        """Jars that note when they are looked at."""

        def observe(self, *args: Any) -> Seen:
            """Look."""
            events.append("look")
            return super().observe(*args)

    @contextlib.contextmanager
    def lock() -> Iterator[None]:
        events.append("lock")
        yield
        events.append("unlock")

    def connect() -> Server:
        events.append("connect")
        return server

    run_task(Watched(), ONE, connect, lock=lock)
    assert events == ["connect", "lock", "look", "look", "unlock"]
    events.clear()
    run_task(Watched(), {**ONE, "size": 2}, connect, check=True, lock=lock)
    assert events == ["connect", "look"], "a check takes none"
    events.clear()
    Watched.exclusive = False
    run_task(Watched(), ONE, connect, lock=lock)
    assert events == ["connect", "look"]


def missing() -> Any:
    raise EngineMissing("nothing listens")


@pytest.mark.parametrize("check", [True, False])
def test_a_server_that_is_not_there_is_an_error(check: bool) -> None:
    for pending in ({}, {"engine": "will be installed"}):
        result = run_task(Jars(), ONE, missing, check, pending)
        assert (result["failed"], result["msg"]) == (True, "nothing listens")


def test_a_server_that_an_earlier_task_would_bring_has_nothing_yet() -> None:
    pending = {"pantry": "will be installed"}
    result = run_task(Jars(), ONE, missing, True, pending)
    assert (result["changed"], result["created"], result["jar"]) == (True, True, None)
    assert run_task(Jars(), ONE, missing, False, pending)["failed"] is True


def test_what_would_be_done_is_handed_on_by_a_check_alone(server: Server) -> None:
    check = task(server, check=True)
    assert check["_pending"] == {"jar/a": {"kind": "create", "causes": ["not there"], "keeps": []}}
    # which another task takes for a reason to doubt what it would do for the same cause
    later = run_task(Jars(), ONE, lambda: server, True, check["_pending"])
    assert [step["maybe"] for step in later["plan"]["steps"]] == [True]
    assert "_pending" not in task(server)
    assert task(server, check=True)["_pending"] == {}


class Weighing(Jars):
    """Jars that are weighed in the end, which changes nothing."""

    def plan(self, desired: Jar, observed: Seen, difference: Any) -> Plan:
        """Return the plan of a jar, with one more step."""
        steps = super().plan(desired, observed, difference).steps
        chain = Chain(desired.address, len(steps) + 1)
        chain.add("weigh", "it may be light", on=desired.name)
        return Plan((*steps, *chain.steps), pending=("a restart",))


def test_a_step_that_only_looks_is_no_change(server: Server) -> None:
    server.jars["a"] = dict(ONE)
    for check in (True, False):
        result = run_task(Weighing(), ONE, lambda: server, check)
        assert result["changed"] is False
        assert [step["verb"] for step in result["plan"]["steps"]] == ["weigh"]
        assert result["restart_required"] is True
        assert result.get("_pending", {}) == {}


def test_later_tasks_hear_nothing_of_a_step_that_only_looks(server: Server) -> None:
    check = run_task(Weighing(), ONE, lambda: server, True)
    assert [step["verb"] for step in check["plan"]["steps"]] == ["create", "weigh"]
    assert check["_pending"]["jar/a"]["causes"] == ["not there"]


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("error", [KeyError("hush-hush"), ZeroDivisionError(), TypeError("x")])
def test_an_answer_of_another_shape_is_one_error_without_its_words(
    server: Server, check: bool, error: Exception
) -> None:
    server.looks = [error]
    result = task(server, check)
    said = f"what the server answered cannot be read ({type(error).__name__} in jars.py, line "
    assert result["msg"].startswith(said)
    assert (result["failed"], result["changed"]) == (True, False)
    assert "hush" not in str(result)


def test_what_is_no_answer_at_all_is_raised(server: Server) -> None:
    for error in (KeyboardInterrupt(), OSError("a defect: clients say it in their own words")):
        server.looks = [error]
        with pytest.raises(type(error)):
            task(server)


def test_an_error_brings_its_evidence(server: Server) -> None:
    server.looks = [FleetError("no answer", hint="is it up?", details={"log": "x"})]
    result = task(server)
    assert result == {"failed": True, "changed": False, "log": "x", "msg": "no answer; is it up?"}


def test_options_that_cannot_be_right_are_told_before_a_server_is_asked() -> None:
    class Strict(Jars):
        """It declares nothing."""

        def desired(self, params: Mapping[str, Any]) -> Jar:
            """Refuse."""
            raise FleetError("is too small", option="size")

    result = run_task(Strict(), ONE, lambda: pytest.fail("it connects"))
    assert result["msg"] == "size: is too small"


@pytest.mark.parametrize("check", [True, False])
def test_a_task_that_only_foretells_hands_it_on_in_a_check(check: bool) -> None:
    result = foreseen(SimpleNamespace(check_mode=check), {"engine": "comes", "vm/a": "goes"})
    assert (result["changed"], result["msg"]) == (False, "engine: comes; vm/a: goes")
    assert result.get("_pending") == ({"engine": "comes", "vm/a": "goes"} if check else None)


def test_a_task_that_is_run_for_real_is_told_nothing() -> None:
    assert coming(SimpleNamespace(check_mode=True), lambda: {"a": "b"}) == {"a": "b"}
    assert coming(SimpleNamespace(check_mode=False), lambda: pytest.fail("it reads")) == {}
