# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a module of ours with options that stand in one mapping.

Ansible's own way, a template for all arguments of a task, warns each time that facts may take part
in it, wherever facts are variables too. Here the mapping is one option, and no more than that.
"""

from __future__ import annotations

from typing import Any, Dict

from ansible.executor.module_common import _apply_action_arg_defaults
from ansible.plugins.action import ActionBase

from ..module_utils._desired.errors import FleetError, InvalidOption
from ..module_utils._desired.input_checks import check_known
from ..module_utils._desired.run import failure

KINDS = ("image", "network", "volume", "container", "stack", "login", "vm", "vm_image")


class ActionModule(ActionBase):
    """The action plugin of M(dockyard.fleet.declared)."""

    _supports_async = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> Dict[str, Any]:
        """Return the result of the module that the task names."""
        try:
            kind, options = self._which()
        except FleetError as error:
            result: Dict[str, Any] = super().run(tmp, task_vars)
            return {**result, **failure(error)}
        task = self._task.copy(exclude_tasks=True)
        task.action = f"dockyard.fleet.{kind}"
        # As ansible.builtin.package does it: module_defaults of the module and of its group.
        task.args = _apply_action_arg_defaults(task.action, self._task, options, self._templar)
        built: Dict[str, Any] = self._action(task).run(task_vars=task_vars)
        return built

    def _which(self) -> Any:
        args = self._task.args
        check_known(args, {"kind": {}, "options": {"type": "raw"}})
        if args.get("kind") not in KINDS:
            raise InvalidOption(f"must be one of {', '.join(KINDS)}", option="kind")
        if not isinstance(args.get("options"), dict):
            # The value may be a secret that stands in the wrong place: it is not repeated.
            raise InvalidOption("must be a mapping of the module's options", option="options")
        return args["kind"], dict(args["options"])

    def _action(self, task: Any) -> Any:
        return self._shared_loader_obj.action_loader.get(
            task.action,
            task=task,
            connection=self._connection,
            play_context=self._play_context,
            loader=self._loader,
            templar=self._templar,
            shared_loader_obj=self._shared_loader_obj,
        )
