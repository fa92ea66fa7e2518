# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say at the end of a run what was made, by which way, and how long it took."""

from __future__ import annotations

DOCUMENTATION = r"""
name: report
type: aggregate
author: dockyard.fleet contributors (@dockyard)
version_added: 0.1.0
short_description: Say at the end of a run what was made and how long it took
description:
  - At the end of a run it prints what was made or changed on each host, by the addresses and verbs
    of the plans, and in check mode what would be; how many things were found as declared, and how
    many changes other modules made.
  - It says by which way a host's engine was reached, how long a machine took for each step until
    it was ready, which pages answered, and where a host failed.
  - Then it says how long each play took, and each role where a play has several. Where a role's
    tasks run on several hosts, that is from the first one's start to the last one's end.
  - No option's value, no output and no message is repeated; of a page its first words are, and its
    address without login and query.
requirements:
  - To be switched on, by C(callbacks_enabled = dockyard.fleet.report) in the section C([defaults])
    of C(ansible.cfg), or by C(ANSIBLE_CALLBACKS_ENABLED=dockyard.fleet.report) in the environment.
"""

import contextlib
import functools
import time
from typing import Any, Callable, Dict

from ansible.plugins.callback import CallbackBase

from ..plugin_utils.report.host import PREFIX, Host
from ..plugin_utils.report.stages import Stages
from ..plugin_utils.report.text import report


def _harmless(hook: Callable[..., None]) -> Callable[..., None]:
    """Return a hook that never fails: a report is worth no run."""

    @functools.wraps(hook)
    def called(*args: Any, **keys: Any) -> None:
        with contextlib.suppress(Exception):
            hook(*args, **keys)

    return called


class CallbackModule(CallbackBase):
    """The callback plugin P(dockyard.fleet.report#callback)."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "dockyard.fleet.report"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._hosts: Dict[str, Host] = {}
        self._stages = Stages()

    @_harmless
    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Begin a stage."""
        self._stages.play(str(play.get_name()), time.monotonic())

    @_harmless
    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        """Note when a role begins."""
        self._stages.begin(_role(task), time.monotonic())

    @_harmless
    def v2_runner_on_ok(self, result: Any) -> None:
        """Take over what a task has done; what a loop has done was told item by item."""
        self._end(result)
        if not _is_loop(result):
            self._take(result)

    @_harmless
    def v2_runner_item_on_ok(self, result: Any) -> None:
        """Take over what an item of a loop has done."""
        self._take(result)

    @_harmless
    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Take over what a failed task has done, and where it was."""
        self._end(result)
        if not _is_loop(result):
            self._take(result)
        if not ignore_errors:
            self._host(result).failed = _place(result.task)

    @_harmless
    def v2_runner_item_on_failed(self, result: Any) -> None:
        """Take over what a failed item has done."""
        self._take(result)

    @_harmless
    def v2_runner_on_skipped(self, result: Any) -> None:
        """Note the time."""
        self._end(result)

    @_harmless
    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Note where a host could not be reached."""
        self._end(result)
        self._host(result).failed = f"unreachable {_place(result.task)}"

    @_harmless
    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Print the report; what failed and was rescued, or ignored, has not failed."""
        for name, host in self._hosts.items():
            if not (stats.failures.get(name) or stats.dark.get(name)):
                host.failed = ""
        lines = report(self._hosts, self._stages.plays)
        if lines:
            self._display.banner("REPORT")
            for line in lines:
                self._display.display(line)

    def _host(self, result: Any) -> Host:
        return self._hosts.setdefault(str(result.host.get_name()), Host())

    def _end(self, result: Any) -> None:
        self._stages.end(_role(result.task), time.monotonic())

    def _take(self, result: Any) -> None:
        task = result.task
        self._host(result).take(_action(task), _role(task), result.result, bool(task.check_mode))


def _action(task: Any) -> str:
    """Return the full name of a task's module."""
    return str(getattr(task, "resolved_action", None) or task.action)


def _role(task: Any) -> str:
    """Return the name of a task's role, "" for none; one of ours without the collection's name."""
    role = getattr(task, "_role", None)
    return str(role.get_name()).removeprefix(PREFIX) if role else ""


def _place(task: Any) -> str:
    """Say where a task is, without its name: that may be a template's."""
    role = _role(task)
    return f"{'in role ' + role + ', ' if role else ''}at {_action(task)}"


def _is_loop(result: Any) -> bool:
    return bool(result.task.loop) and isinstance(result.result.get("results"), list)
