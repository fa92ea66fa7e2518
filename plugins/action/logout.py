# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log out of a registry: the core, run where the account is kept."""

from __future__ import annotations

from typing import Any, Dict

from ..module_utils._desired.lock import lock
from ..module_utils._desired.run import run
from ..module_utils._engine.login import LOGOUT
from ..plugin_utils.login_front import LoginFront


class ActionModule(LoginFront):
    """The action plugin of M(dockyard.fleet.logout)."""

    resource = LOGOUT
    module = "dockyard.fleet.logout"

    def _here(self, params: Dict[str, Any], host: str) -> Dict[str, Any]:
        what, pending = f"{host} {params['engine_host'] or ''}", params["pending"]
        # To forget takes no engine: nothing ever asks this client.
        return run(self.resource, params, object, self._task, pending, lambda: lock(what))
