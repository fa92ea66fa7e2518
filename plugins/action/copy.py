# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy into and out of containers: the core, run from the controller, where the files are."""

from __future__ import annotations

import os
from typing import Any, Dict, Mapping

from ansible.errors import AnsibleError

from ..module_utils._desired.errors import InvalidOption
from ..module_utils._engine.copy.resource import COPY
from ..module_utils._engine.copy.source import Local, pack
from ..plugin_utils.action.engine import Front
from ..plugin_utils.action.preload import preload

preload(["_engine.copy"])


class ActionModule(Front):
    """The action plugin of M(dockyard.fleet.copy)."""

    resource = COPY
    module = "dockyard.fleet.copy"

    def work(self, params: Dict[str, Any], task_vars: Mapping[str, Any]) -> Dict[str, Any]:
        """Run the core; a file that was decrypted for it does not outlive the task."""
        try:
            return super().work(params, task_vars)
        finally:
            self._loader.cleanup_all_tmp_files()

    def prepare(self, params: Dict[str, Any]) -> Dict[str, Any]:
        """Find the files on the controller; what is fetched comes here, so by a channel."""
        if params["fetch"]:
            path = self._plain(params["dest"], "dest")
            full = os.path.join(self._loader.get_basedir(), path)
            return {**params, "_source": full, "engine_via": "channel"}
        if params.get("src") is None:
            return {**params, "_source": None}
        path = self._plain(params["src"], "src")
        try:
            local = self._find_needle("files", path)
        except AnsibleError:
            hint = "a relative path is looked for beside the playbook and in its files folder"
            text = f"there is nothing at {path} on the controller"
            raise InvalidOption(text, option="src", hint=hint) from None
        name = os.path.basename(os.path.normpath(path))
        real = local if os.path.isdir(local) else self._loader.get_real_file(local)
        # What a vault holds is a secret.
        secret = params["secret"] or real != local
        return {**params, "secret": secret, "_source": {"path": str(real), "name": name}}

    def module_args(self, params: Mapping[str, Any]) -> Dict[str, Any]:
        """Return what the module gets; files were sent before, whole."""
        return {**super().module_args(params), "_source": params["_source"]}

    def _on_target(
        self, params: Dict[str, Any], task_vars: Mapping[str, Any], reasons: Any
    ) -> Dict[str, Any]:
        source = params["_source"]
        if source:
            archive = self.upload("files.tar", pack(Local(source["path"], source["name"])))
            source = {"archive": archive, "name": source["name"]}
        return super()._on_target({**params, "_source": source}, task_vars, reasons)

    @staticmethod
    def _plain(path: str, option: str) -> str:
        if path.startswith("~"):
            hint = "write the whole path, or one relative to the playbook"
            raise InvalidOption(f"'{path}': a ~ is not expanded", option=option, hint=hint)
        return path
