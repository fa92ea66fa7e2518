# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task tells of itself where its steps do not: modules on the host, waiting for a lock."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.action.vm import ActionModule
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.progress import (
    Activity,
    Progress,
    line,
)
from ansible_collections.dockyard.fleet.plugins.plugin_utils.action import base, engine


class Shown:
    """What is shown of a task, under the name of its host."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._came = threading.Condition()

    def progress_of(self, host: str, task: Any) -> Progress:
        def take(slow: Sequence[Activity]) -> None:
            with self._came:
                self.lines.append(f"{host}: {line(slow)}")
                self._came.notify_all()

        return Progress(take, 0.05, 0.05)

    def wait(self, *_args: Any, **_keys: Any) -> dict[str, Any]:
        """Take as long as it takes to be told of."""
        with self._came:
            assert self._came.wait_for(lambda: self.lines, 10)
        return {"changed": True}


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Shown:
    result = Shown()
    monkeypatch.setattr(base, "progress_of", result.progress_of)
    return result


def front(shown: Shown, **task: Any) -> Any:
    result: Any = ActionModule.__new__(ActionModule)
    result._task = SimpleNamespace(**{"async_val": 0, "delegate_to": None, **task})
    result._execute_module = shown.wait
    return result


def test_of_a_module_on_the_host_its_time_is_shown(shown: Shown) -> None:
    action = front(shown)
    result = action.run_module({"name": "web01"}, {"inventory_hostname": "kvm1"})
    assert result == {"changed": True}
    assert shown.lines[0] == "kvm1: vm/web01: the module runs on the host, 0 s"
    assert shown.lines[-1] == "kvm1: "


def test_a_task_in_the_background_is_not_watched(shown: Shown) -> None:
    action = front(shown, async_val=60)
    action._execute_module = lambda **_keys: {"ansible_job_id": "1"}
    assert action.run_module({"name": "web01"}, {"inventory_hostname": "kvm1"})
    assert shown.lines == []


def test_a_wait_for_the_lock_is_shown_while_it_lasts(
    shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextlib.contextmanager
    def lock(_name: str, tell: Callable[[str], object]) -> Iterator[None]:
        tell("waiting for process 7")
        shown.wait()
        yield

    monkeypatch.setattr(engine, "lock", lock)
    monkeypatch.setattr(engine.Display, "warning", lambda *_args: None)
    with engine.Reach(front(shown), {}, "web1") as reach, contextlib.ExitStack() as ends:
        reach._progress = reach._action.progress(ends, "web1")
        with reach.lock("web1"):
            assert shown.lines[0] == "web1: engine: waiting for process 7, 0 s"
        assert reach._progress is not None
        assert reach._progress._running == []
