# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Converge a host to Compose files: the core, run from the controller."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from ..module_utils._desired.errors import InvalidOption
from ..module_utils._engine.stack.resource import STACK
from ..plugin_utils.action.engine import Front
from ..plugin_utils.action.preload import OF_CONTAINERS, preload
from ..plugin_utils.action.project import with_project

preload(
    [
        "_engine.stack",
        "_engine.exec",
        "_engine.network",
        "_engine.volume",
        "_engine.image",
        *OF_CONTAINERS,
    ]
)


class ActionModule(Front):
    """The action plugin of M(dockyard.fleet.stack)."""

    resource = STACK
    module = "dockyard.fleet.stack"

    def prepare(self, params: Dict[str, Any]) -> Dict[str, Any]:
        """Read the project's files, which are the controller's."""
        return with_project(params, self._loader)

    def module_args(self, params: Mapping[str, Any]) -> Dict[str, Any]:
        """Return what the module gets; raise InvalidOption for what only the controller has."""
        services = (params.get("project") or {}).get("services") or {}
        if params.get("rollback"):
            services = {}  # whatever they build, it is not built now
        for name, entry in services.items():
            if entry.get("build"):
                raise InvalidOption(
                    "a context on the controller needs a channel to the engine",
                    option=f"services.{name}.build",
                    hint="use engine_via: channel, or build it by a task of module image",
                )
        # They are in the project by now, and Ansible prints what a module is given.
        return super().module_args({**params, "env": {}, "definition": None})
