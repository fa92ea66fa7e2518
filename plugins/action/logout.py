# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log out of a registry: the core, run where the account is kept."""

from __future__ import annotations

import contextlib
from typing import Any, Dict

from ..module_utils._desired.run import run
from ..module_utils._engine.registry.login import LOGOUT
from ..plugin_utils.action.registry import LoginFront


class ActionModule(LoginFront):
    """The action plugin of M(dockyard.fleet.logout)."""

    resource = LOGOUT
    module = "dockyard.fleet.logout"

    def _here(self, params: Dict[str, Any], host: str) -> Dict[str, Any]:
        pending = params["pending"]
        # To forget takes no engine: nothing ever asks this client, and the file has its own lock.
        return run(self.resource, params, object, self._task, pending, contextlib.nullcontext)
