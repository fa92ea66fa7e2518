"""Machines that do not go on although they are told to."""

from __future__ import annotations

import time
from typing import Any, Iterator

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.vm import run_verbs

from tests.lab.hostrun import Runs
from tests.lab.hostwork import HostBench
from tests.unit._libvirt.imagework import nobody_listens

WEB = {"name": "web01", "memory": "256MiB"}
PAUSED, IO_ERROR = 3, 5
NO_SPACE = 2


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[HostBench]:
    """Return a machine that is paused again as soon as it goes on: its pool is full."""
    monkeypatch.setattr(run_verbs, "_STOPS_AGAIN", 0)
    monkeypatch.setattr(Runs, "_play_resume", lambda *_call: None)
    monkeypatch.setattr(Runs, "_play_diskErrors", lambda *_call: {"vda": NO_SPACE}, raising=False)
    with HostBench({"before": [WEB], "states": {"web01": [PAUSED, IO_ERROR]}}) as made:
        made.prepare()
        yield made


def test_an_error_of_its_disk_that_comes_back_fails_the_task(bench: HostBench) -> None:
    failed = bench.run(WEB)
    assert failed["msg"].startswith(
        "vm/web01: it does not resume: an error of its disk: "
        "no space is left in the pool of its disk vda"
    )
    assert bench.keeper.lookupByName("web01").isActive()
    assert bench.run(WEB)["failed"] is True


def test_one_that_cannot_hear_is_not_asked_for_long_to_shut_down(
    bench: HostBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[Any] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    monkeypatch.setattr(Runs, "_play_shutdown", lambda *_call: None)
    result = bench.run({**WEB, "state": "stopped", "stop_grace_period": "10m"})
    assert (result["changed"], result["vm"]["state"]) == (True, "shutoff")
    assert slept == []
    assert bench.writes[-2:] == ["shutdown", "destroy"]


def test_a_machine_that_is_paused_while_it_is_waited_for_ends_the_wait(
    bench: HostBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.world.states.clear()
    bench.run({**WEB, "state": "stopped"})
    task = {**WEB, "networks": ["default"], "wait": "ssh", "wait_timeout": "10m"}
    bench.case["ssh"] = False
    bench.world.told = {}
    started = Runs._play_create

    def paused(self: Runs, target: Any, function: Any, *args: Any) -> Any:
        made = started(self, target, function, *args)
        self.world.states[target.name()] = [PAUSED, 1]
        return made

    monkeypatch.setattr(Runs, "_play_create", paused)
    failed = bench.run(task)
    assert failed["rung"] == "running"
    assert "waiting for running: the machine is paused: somebody has paused it" in failed["msg"]


def test_a_wait_that_was_given_up_ends_and_leaves_the_machine(bench: HostBench) -> None:
    bench.world.states.clear()
    bench.run({**WEB, "state": "absent"})
    task = {**WEB, "networks": ["default"], "wait": "address", "wait_timeout": "10m"}
    bench.world.told = {}
    with nobody_listens():
        failed = bench.run(task)
    assert failed["msg"].endswith("the task was abandoned, and nothing waits for it now")
    assert bench.keeper.lookupByName("web01").isActive()
    bench.world.told = None
    assert not bench.run(task).get("failed")
