"""A container that is there and not up: `wait` holds though nothing else is to be done."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Iterator

import pytest

from tests.lab.casework import Bench

PROBE = {"Test": ["CMD", "probe"]}
WEB = {"name": "web", "image": "app:1"}
RESTARTING = {"Status": "restarting", "Restarting": True, "ExitCode": 3}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    image = {"cmd": ["serve"], "healthcheck": PROBE}
    case: Dict[str, Any] = {"images": {"app:1": image}, "before": [{**WEB, "wait": "none"}]}
    with Bench("container", case, tmp_path) as made:
        made.prepare()
        yield made


def turned(bench: Bench, health: str = "healthy", **state: Any) -> None:
    box = bench.fake.state.container("web")["State"]
    box["Health"].update(Status=health)
    box.update(state)


@pytest.mark.parametrize(
    ("health", "state", "wait", "note", "message"),
    [
        ("healthy", RESTARTING, "started", "web is restarting", "exited with code 3"),
        ("healthy", RESTARTING, "healthy", "web is restarting", "exited with code 3"),
        ("unhealthy", {}, "healthy", "web is unhealthy", "the container is unhealthy"),
        ("starting", {}, "healthy", "web is starting", "was not healthy within 50ms"),
    ],
)
@pytest.mark.parametrize("limit", [None, "64m"])
def test_what_is_not_up_fails_the_task_and_is_left_alone(
    bench: Bench, health: str, state: Any, wait: str, note: str, message: str, limit: Any
) -> None:
    turned(bench, health, **state)
    task = {**WEB, "wait": wait, "wait_timeout": "50ms", "mem_limit": limit}
    before, writes = bench.picture(), len(bench.writes)
    check = bench.run(task, check=True)
    assert (check.get("failed"), check["changed"]) == (None, limit is not None)
    assert check["plan"]["notes"] == [note]
    assert check["plan"]["steps"][-1]["verb"] == "wait"
    apply = bench.run(task)
    assert apply["failed"] is True
    assert message in apply["msg"]
    assert bench.picture() == before
    assert len(bench.writes) - writes == (limit is not None)


def test_what_becomes_healthy_is_waited_for_and_nothing_has_changed(bench: Bench) -> None:
    turned(bench, "starting")
    box = bench.fake.state.container("web")

    def once_it_is_watched() -> None:
        if any(call.path.endswith("/events") for call in bench.fake.calls):
            turned(bench, "healthy")
        else:
            bench.fake.state.later(0.01, once_it_is_watched)

    bench.fake.state.later(0.01, once_it_is_watched)
    task = {**WEB, "wait": "healthy", "wait_timeout": "20s"}
    first, again = bench.run(task), bench.run(task)
    assert (first.get("failed"), first["changed"]) == (None, False)
    assert [step["verb"] for step in first["plan"]["steps"]] == ["wait"]
    assert (again["changed"], again["plan"]["steps"]) == (False, [])
    assert box["State"]["Running"]


def test_nothing_is_waited_for_where_nothing_is_asked(bench: Bench) -> None:
    turned(bench, "unhealthy", **RESTARTING)
    for wait, state in (("none", "started"), ("healthy", "stopped")):
        check = bench.run({**WEB, "wait": wait, "state": state}, check=True)
        assert "wait" not in [step["verb"] for step in check["plan"]["steps"]]
    turned(bench, "unhealthy", Status="paused", Paused=True, Restarting=False)
    for state in ("paused", "present"):  # probes do not run there
        check = bench.run({**WEB, "wait": "healthy", "state": state}, check=True)
        assert check["plan"]["steps"] == []


@pytest.mark.parametrize("status", ["dead", "removing"])
def test_what_the_engine_could_not_remove_is_no_container_to_start(
    bench: Bench, status: str
) -> None:
    turned(bench, Status=status, Running=False, Dead=status == "dead")
    writes = len(bench.writes)
    result = bench.run({**WEB, "user": "1"})
    assert f"it is {status}: the engine is removing it, or failed to" in result["msg"]
    assert len(bench.writes) == writes
    assert bench.run({"name": "web", "state": "absent"})["changed"] is True
