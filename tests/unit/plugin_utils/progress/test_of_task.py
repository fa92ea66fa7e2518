# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where progress is drawn, where it is written in lines, and where it is not shown."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import constants as C
from ansible import context
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.progress import Activity
from ansible_collections.dockyard.fleet.plugins.plugin_utils.progress import of_task, terminal
from ansible_collections.dockyard.fleet.plugins.plugin_utils.progress.status_lines import Status

TASK = SimpleNamespace(no_log=False)
SETTINGS: dict[str, Any] = {"ANSIBLE_NOCOLOR": False, "DEFAULT_STDOUT_CALLBACK": "default"}


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(of_task.VARIABLE, raising=False)
    monkeypatch.setattr(of_task, "_terminal", None)
    monkeypatch.setattr(context, "CLIARGS", {"step": False})


@pytest.mark.parametrize(
    ("environment", "settings", "draws"),
    [
        ({"TERM": "xterm-256color"}, {}, True),
        ({"TERM": "xterm", of_task.VARIABLE: "auto"}, {}, True),
        ({"TERM": "xterm", of_task.VARIABLE: "lines"}, {}, False),
        ({"TERM": "xterm", of_task.VARIABLE: "off"}, {}, False),
        ({"TERM": "dumb"}, {}, False),
        ({}, {}, False),
        ({"TERM": "xterm", "CI": "true"}, {}, False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, {}, False),
        ({"TERM": "xterm"}, {"ANSIBLE_NOCOLOR": True}, False),
        ({"TERM": "xterm"}, {"DEFAULT_STDOUT_CALLBACK": "ansible.builtin.default"}, True),
        ({"TERM": "xterm"}, {"DEFAULT_STDOUT_CALLBACK": "awx_display"}, False),
        ({"TERM": "xterm"}, {"DEFAULT_STDOUT_CALLBACK": "community.general.dense"}, False),
    ],
)
def test_lines_are_drawn_where_nothing_speaks_against_it(
    environment: dict[str, str],
    settings: dict[str, Any],
    draws: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = {**SETTINGS, **settings}
    monkeypatch.setattr(C.config, "get_config_value", lambda name: values[name])
    assert of_task._may_draw(environment) is draws


@pytest.mark.parametrize("arguments", [{}, {"step": True}])
def test_nothing_is_drawn_while_each_task_is_asked_about_or_no_play_runs(
    arguments: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(C.config, "get_config_value", lambda name: SETTINGS[name])
    monkeypatch.setattr(context, "CLIARGS", arguments)
    assert not of_task._may_draw({"TERM": "xterm"})


@pytest.fixture
def displayed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    lines: list[tuple[str, bool]] = []

    class Display:
        def display(self, text: str, stderr: bool = False) -> None:
            lines.append((text, stderr))

    monkeypatch.setattr(of_task, "Display", Display)
    return lines


def test_without_a_terminal_there_are_lines_on_stderr(displayed: list[tuple[str, bool]]) -> None:
    progress = of_task.progress_of("web1\x1b[2J", TASK)
    assert progress is not None
    assert (progress._first, progress._pause) == (5, 10)
    progress._show([Activity("image/app:1", "pull")])
    progress._show([])
    assert displayed == [(r"web1\x1b[2J: image/app:1: pull, 0 s", True)]
    progress.close()


def test_a_terminal_gets_the_oldest_step_of_a_host(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Status | None] = []

    class Terminal:
        def send(self, name: str, status: Status | None) -> None:
            assert name
            sent.append(status)

    monkeypatch.setattr(of_task, "_terminal", Terminal())
    progress = of_task.progress_of("web1", TASK)
    assert progress is not None
    assert (progress._first, progress._pause) == (2, 1)
    steps = [Activity("image/app:1", "pull"), Activity("image/app:2", "pull")]
    steps[0].begun = time.monotonic() - 12
    progress._show(steps[:1])
    progress._show(steps)
    progress._show([])
    first = Status("web1", "image/app:1", "pull", sent[0].time if sent[0] else "")
    assert sent[0] == first
    assert sent[1] == first._replace(time=f"{first.time} (+1)")
    assert sent[2] is None
    progress.close()


@pytest.mark.parametrize("mode", ["off", "OFF"])
def test_it_can_be_switched_off(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(of_task.VARIABLE, mode)
    assert of_task.progress_of("web1", TASK) is None


def test_a_task_whose_log_is_off_tells_nothing() -> None:
    assert of_task.progress_of("web1", SimpleNamespace(no_log=True)) is None


def test_a_message_of_the_longest_texts_arrives_whole() -> None:
    longest = "\U00020000" * 10_000
    with open("/dev/null", "w", encoding="utf-8") as output:
        shown = terminal.Terminal(output, threading.RLock())
        shown.send("1", Status(longest, longest, longest, longest))
        shown._take(shown._receiver.recv(terminal._LARGEST))
        statuses = [status for _seen, status in shown._statuses.values()]
        assert [len(status) for status in statuses] == [4]
        assert all(200 <= len(text) <= 201 for status in statuses for text in status)
        for end in (shown._receiver, shown._sender):
            end.close()
