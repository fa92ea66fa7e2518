# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the progress of a task is shown: on a terminal, in lines, or not at all."""

from __future__ import annotations

import multiprocessing
import os
import threading
from typing import Any, Mapping, Optional, Sequence

from ansible import constants as C
from ansible import context
from ansible.utils.display import Display

from ...module_utils._desired.progress import Activity, Progress, line
from ...module_utils._desired.terminal_text import visible
from .status_lines import Status
from .terminal import Terminal, find_terminal

# What the user sets: `auto`, `lines` or `off`.
VARIABLE = "DOCKYARD_PROGRESS"
# On a terminal: seconds that a step takes before it is shown, and from one look to the next.
FIRST = 2.0
NEXT = 1.0
_HOST = 64  # characters of a host's name
# Callbacks for stdout that print whole lines; others may move the cursor, or be read by a program
# that has given the run a terminal, such as AWX.
_CALLBACKS = ("default", "minimal", "oneline", "debug", "yaml", "unixy", "diy", "json", "jsonl")

_terminal: Optional[Terminal] = None


def prepare() -> None:
    """Take the terminal in the process that Ansible forks from, if status lines can be drawn.

    Called when an action plugin is loaded, which Ansible does before it forks.
    """
    global _terminal
    if _terminal is None and multiprocessing.parent_process() is None and _may_draw(os.environ):
        _terminal = find_terminal(getattr(Display(), "_lock", threading.RLock()))


def _may_draw(environment: Mapping[str, str]) -> bool:
    """Tell whether a run of Ansible may draw: not where its output is kept or read by a machine,
    nor while it asks before each task."""
    plain = C.config.get_config_value("ANSIBLE_NOCOLOR") or environment.get("NO_COLOR")
    can = environment.get("TERM", "dumb") != "dumb" and not environment.get("CI")
    runs = bool(context.CLIARGS) and not context.CLIARGS.get("step")
    lines = C.config.get_config_value("DEFAULT_STDOUT_CALLBACK").rpartition(".")[2] in _CALLBACKS
    return _mode(environment) == "auto" and can and runs and lines and not plain


def _mode(environment: Mapping[str, str]) -> str:
    mode = environment.get(VARIABLE, "auto").lower()
    return mode if mode in ("lines", "off") else "auto"


def progress_of(host: str, task: Any) -> Optional[Progress]:
    """Return what shows the progress of a task on a host, None if it is not to be shown.

    The caller closes it. A task with no_log shows nothing, its addresses neither.
    """
    if _mode(os.environ) == "off" or getattr(task, "no_log", False):
        return None
    name = visible(host, _HOST)
    if _terminal is None:
        # On stderr, so that what a callback prints stays what it is.
        return Progress(lambda slow: _print(name, slow))
    terminal, own = _terminal, str(os.getpid())
    return Progress(lambda slow: terminal.send(own, _status(name, slow)), FIRST, NEXT)


def _print(host: str, slow: Sequence[Activity]) -> None:
    if slow:
        Display().display(f"{host}: {line(slow)}", stderr=True)


def _status(host: str, slow: Sequence[Activity]) -> Optional[Status]:
    """Return what a task is doing on a host: its oldest step, and how many more there are."""
    if not slow:
        return None
    oldest, more = slow[0], len(slow) - 1
    time = f"{oldest.time} (+{more})" if more else oldest.time
    return Status(host, oldest.address, oldest.words, time)
