# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create and remove a volume: the core, run from the controller."""

from __future__ import annotations

import os
from typing import Any, Dict

from ..module_utils._desired.errors import InvalidOption
from ..module_utils._engine.volume.resource import VOLUME
from ..plugin_utils.action.engine import Front
from ..plugin_utils.action.preload import preload

preload(["_engine.volume"])


class ActionModule(Front):
    """The action plugin of M(dockyard.fleet.volume)."""

    resource = VOLUME
    module = "dockyard.fleet.volume"

    def prepare(self, params: Dict[str, Any]) -> Dict[str, Any]:
        """Make paths absolute; archives are on the controller, so the work is done there."""
        paths = {name: params[name] for name in ("backup", "restore") if params.get(name)}
        for name, path in paths.items():
            if path.startswith("~"):
                hint = "write the whole path, or one relative to the playbook"
                raise InvalidOption(f"'{path}': a ~ is not expanded", option=name, hint=hint)
            params = {**params, name: os.path.join(self._loader.get_basedir(), path)}
        return {**params, "engine_via": "channel"} if paths else params
