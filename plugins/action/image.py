# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build, pull and remove an image: the core, run from the controller, where the context is."""

from __future__ import annotations

import os
from typing import Any, Dict, Mapping

from ..module_utils._desired.errors import InvalidOption
from ..module_utils._engine.context import Context, read_context
from ..module_utils._engine.image import IMAGE
from ..plugin_utils.front import Front


class ActionModule(Front):
    """The action plugin of M(dockyard.fleet.image)."""

    resource = IMAGE
    module = "dockyard.fleet.image"

    def prepare(self, params: Dict[str, Any]) -> Dict[str, Any]:
        """Read the build context; a relative path is relative to the playbook."""
        build = params.get("build")
        if not build or params["state"] != "present":
            return {**params, "_context": None}
        path = build["context"]
        if path.startswith("~"):
            raise InvalidOption(
                f"'{path}': a ~ is not expanded",
                option="build.context",
                hint="write the whole path, or one relative to the playbook",
            )
        if "://" not in path:
            path = os.path.join(self._loader.get_basedir(), path)
        return {**params, "_context": read_context(path, build["dockerfile"])}

    def module_args(self, params: Mapping[str, Any]) -> Dict[str, Any]:
        """Return what the module gets: of the context what decides, the archive on demand."""
        context = params["_context"]
        if isinstance(context, Context):
            names = ("digest", "files", "dockerfile")
            context = {**{name: getattr(context, name) for name in names}, "archive": None}
        return {**super().module_args(params), "_context": context}

    def _on_target(
        self, params: Dict[str, Any], task_vars: Mapping[str, Any], reasons: Any
    ) -> Dict[str, Any]:
        # Nobody is there to ask again for a task that runs in the background.
        if not self._task.async_val:
            result = super()._on_target(params, task_vars, reasons)
            if not result.get("needs_context"):
                return result
        if isinstance(params["_context"], Context):
            sent = {**self.module_args(params)["_context"], "archive": self._packed(params)}
            params = {**params, "_context": sent}
        return super()._on_target(params, task_vars, reasons)

    def _packed(self, params: Mapping[str, Any]) -> str:
        return self.upload("context.tar", params["_context"].tar())
