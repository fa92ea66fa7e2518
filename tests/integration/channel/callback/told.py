"""Write down the result of every task, for tests that look at many hosts at once."""

from __future__ import annotations

import json
import os
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: told
type: aggregate
short_description: Write down the result of every task
description: Writes a list of [host, task, outcome, result] to the file that the environment names.
"""


class CallbackModule(CallbackBase):
    """Keep (host, task's name, ok, failed, skipped or unreachable, result)."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "told"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._told: list[Any] = []

    def _keep(self, outcome: str, result: Any) -> None:
        # Whole, with the difference and the arguments, whatever is printed.
        said = {key: one for key, one in result._result.items() if not key.startswith("_ansible")}
        self._told.append([result._host.get_name(), result._task.name, outcome, said])

    def v2_runner_on_ok(self, result: Any) -> None:
        self._keep("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._keep("failed", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._keep("skipped", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._keep("unreachable", result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        with open(os.environ["TOLD"], "w") as file:
            json.dump(self._told, file, default=str)
