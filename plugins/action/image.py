# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build, pull and remove an image: the core, run from the controller, where the context is."""

from __future__ import annotations

import os
import tempfile
from typing import Any, Dict, Mapping

from ansible import constants as C

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
            sent = {**self.module_args(params)["_context"], "archive": self._upload(params)}
            params = {**params, "_context": sent}
        return super()._on_target(params, task_vars, reasons)

    def _upload(self, params: Mapping[str, Any]) -> str:
        """Send the archive into the task's temporary folder on the target; return its path."""
        shell = self._connection._shell
        if not shell.tmpdir:
            self._make_tmp_path()
        remote = str(shell.join_path(shell.tmpdir, "context.tar"))
        with tempfile.NamedTemporaryFile(dir=str(C.DEFAULT_LOCAL_TMP)) as local:
            for piece in params["_context"].tar():
                local.write(piece)
            local.flush()
            self._transfer_file(local.name, remote)
        self._fixup_perms2((shell.tmpdir, remote))
        return remote
