# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell later tasks of a run in check mode what a role of ours would change."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from ..module_utils._desired.run import foreseen
from ..plugin_utils.action.base import Base, noted
from ..plugin_utils.action.planned import Pending


class Notice:
    """What the task says: an address and a cause."""

    def spec(self) -> Dict[str, Any]:
        """Return the argument spec."""
        return {
            "address": {"type": "str", "required": True},
            "cause": {"type": "str", "required": True},
        }


class ActionModule(Base):
    """The action plugin of M(dockyard.fleet.pending); nothing runs on the target."""

    resource = Notice()
    module = "dockyard.fleet.pending"
    _supports_async = False
    _requires_connection = False

    def connection_options(self) -> Dict[str, Any]:
        """Return no options: nothing is connected to."""
        return {}

    def work(self, params: Dict[str, Any], task_vars: Mapping[str, Any]) -> Dict[str, Any]:
        """Return the cause; in check mode keep it for later tasks of the same host."""
        result = foreseen(self._task, {params["address"]: params["cause"]})
        # What is to come is said without -v, as ansible.builtin.debug does it.
        result["_ansible_verbose_always"] = True
        return noted(result, Pending(self.host(task_vars), ""))
