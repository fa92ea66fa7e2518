# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell later tasks of a run in check mode what a role of ours would change."""

from __future__ import annotations

from typing import Any, Dict

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.action import ActionBase

from ..module_utils._desired.errors import FleetError, InvalidOption
from ..module_utils._desired.run import failure, foreseen
from ..module_utils._desired.spec import check_known
from ..plugin_utils.pending import Pending
from ..plugin_utils.plain import plain

SPEC = {
    "address": {"type": "str", "required": True},
    "cause": {"type": "str", "required": True},
}


class ActionModule(ActionBase):
    """The action plugin of M(dockyard.fleet.pending); nothing runs on the target."""

    _supports_async = False
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: Any = None) -> Dict[str, Any]:
        """Return the cause; in check mode keep it for later tasks of the same host."""
        result: Dict[str, Any] = super().run(tmp, task_vars)
        try:
            params = self._options()
            made = foreseen(self._task, {params["address"]: params["cause"]})
            host = str(self._task.delegate_to or (task_vars or {}).get("inventory_hostname", ""))
            causes = made.pop("_pending", None)
            if causes:
                Pending(host, "").add(causes)
        except FleetError as error:
            made = failure(error)
        # What is to come is said without -v, as ansible.builtin.debug does it.
        result.update(made, _ansible_verbose_always=True)
        return result

    def _options(self) -> Dict[str, Any]:
        given = plain(self._task.args)
        check_known(given, SPEC)
        checked = ArgumentSpecValidator(SPEC).validate(given)
        if checked.error_messages:
            raise InvalidOption("; ".join(checked.error_messages))
        options: Dict[str, Any] = plain(checked.validated_parameters)
        return options
