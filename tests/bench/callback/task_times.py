"""Write down when each task of a run began, for the bench."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: task_times
type: aggregate
short_description: Write down when each task began
description: Writes a list of [name, seconds] to the file that the environment names.
"""


class CallbackModule(CallbackBase):
    """Append (name, monotonic seconds) at the begin of a task and at the end of the run."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "task_times"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._times: list[tuple[str, float]] = []

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        self._times.append((task.get_name(), time.monotonic()))

    def v2_playbook_on_stats(self, stats: Any) -> None:
        self._times.append(("", time.monotonic()))
        with open(os.environ["TASK_TIMES"], "w") as file:
            json.dump(self._times, file)
