"""Signals are the main thread's, whatever other threads there are: else Ctrl-C would do nothing."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.execute import execute
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.plan import Plan
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.steps import Step
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.threads import (
    for_processes,
    start,
)

# Nothing here takes as long.
PATIENCE = 10.0


class Interrupted(BaseException):
    """What a signal raises in the main thread."""


@pytest.fixture
def interruptible() -> Iterator[None]:
    def answer(_number: int, _frame: object) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGUSR1, answer)
    yield
    signal.signal(signal.SIGUSR1, before)


def await_main_thread(function: str) -> None:
    """Wait until the main thread has called a function."""
    main, end = threading.main_thread().ident, time.monotonic() + PATIENCE
    while time.monotonic() < end:
        stack = traceback.extract_stack(sys._current_frames()[main or 0])
        if any(frame.name == function for frame in stack):
            return
        time.sleep(0.001)
    raise AssertionError(f"not in {function}: {stack}")


def blocked() -> set[int]:
    """Return the signals that this thread does not take."""
    return set(signal.pthread_sigmask(signal.SIG_BLOCK, []))


def blocked_in_a_process() -> str:
    done = subprocess.run(
        ["grep", "^SigBlk:", "/proc/self/status"], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_a_thread_takes_no_signal_and_its_processes_do() -> None:
    usual, in_a_process = blocked(), blocked_in_a_process()
    seen: list[object] = []

    def work(word: str) -> None:
        seen.extend([word, blocked()])
        with for_processes():
            seen.append(blocked_in_a_process())
        seen.append(blocked())

    start(work, "word").join(PATIENCE)
    word, inside, of_process, after = seen
    assert word == "word"
    assert isinstance(inside, set)
    assert {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM} <= inside
    assert of_process == in_a_process
    assert after == inside
    assert blocked() == usual


@pytest.mark.usefixtures("interruptible")
def test_a_signal_that_a_worker_has_taken_ends_the_run() -> None:
    steps = [Step(name, "tank/a", "do", ("it",)) for name in "ab"]
    free, ended = threading.Event(), []

    def act(step: Step, _worker: int) -> None:
        if step.id == "a":
            await_main_thread("join")
            signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
        ended.append(free.wait(PATIENCE))

    try:
        with pytest.raises(Interrupted):
            execute(Plan(tuple(steps)), steps, act)
        assert not ended
    finally:
        free.set()
