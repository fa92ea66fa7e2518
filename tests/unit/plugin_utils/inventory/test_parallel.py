"""Work for many hosts at once: order, bounds, what goes wrong, and what is left."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import FleetError
from ansible_collections.dockyard.fleet.plugins.plugin_utils.inventory.parallel import (
    Outcome,
    in_parallel,
)


def test_outcomes_have_the_names_of_their_jobs() -> None:
    jobs = {str(number): number for number in range(12)}
    outcomes = in_parallel(lambda number: [number] * 50_000, jobs, 3, 60)
    assert list(outcomes) == list(jobs)
    assert all(outcomes[name].value == [jobs[name]] * 50_000 for name in jobs)


def test_no_more_run_at_once_than_asked_for(tmp_path: Path) -> None:
    def work(name: str) -> int:
        (tmp_path / name).touch()
        running = len(list(tmp_path.iterdir()))
        time.sleep(0.05)  # for the others to begin, if they may
        (tmp_path / name).unlink()
        return running

    jobs = {name: name for name in "abcdefgh"}
    seen = [outcome.value for outcome in in_parallel(work, jobs, 2, 60).values()]
    assert max(seen) <= 2


def test_what_goes_wrong_is_that_hosts_own(capfd: pytest.CaptureFixture[str]) -> None:
    def work(name: str) -> Any:
        if name == "told":
            raise FleetError("no engine", hint="install it")
        if name == "odd":
            return {}["secret"]
        if name == "dead":
            os._exit(1)
        return name

    outcomes = in_parallel(work, {name: name for name in ("told", "odd", "dead", "good")}, 4, 60)
    assert outcomes["good"] == Outcome("good")
    assert outcomes["told"].error == "no engine; install it"
    assert outcomes["odd"].error
    assert "secret" not in outcomes["odd"].error
    assert outcomes["dead"].error == "the process that read it has died"
    assert "Traceback" not in capfd.readouterr().err


def test_what_hangs_is_ended_with_all_that_it_has_started(tmp_path: Path) -> None:
    def work(name: str) -> None:
        if name == "hangs":
            child = subprocess.Popen(["sleep", "1000"])
            (tmp_path / "child").write_text(f"{os.getpid()} {child.pid}")
            child.wait()

    begin = time.monotonic()
    outcomes = in_parallel(work, {name: name for name in ("hangs", "ends")}, 2, 1)
    assert time.monotonic() - begin < 30
    assert outcomes["ends"].error == ""
    assert outcomes["hangs"].error == "it did not answer within 1 s"
    for number in (tmp_path / "child").read_text().split():
        state = Path(f"/proc/{number}/stat")
        # Whoever takes over the dead is not ours: a zombie has ended.
        assert not state.exists() or state.read_text().rpartition(") ")[2][0] in "ZX"


def test_what_work_leaves_for_later_stays() -> None:
    """Such as a shared connection of ssh, with the program that carries it to a jump host."""

    def work(_job: None) -> int:
        return subprocess.Popen(["sleep", "1000"], stdout=subprocess.DEVNULL).pid

    child = in_parallel(work, {"host": None}, 1, 60)["host"].value
    try:
        assert Path(f"/proc/{child}/comm").read_text() == "sleep\n"
        assert Path(f"/proc/{child}/stat").read_text().rpartition(") ")[2][0] != "Z"
    finally:
        os.kill(child, signal.SIGKILL)
