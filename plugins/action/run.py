# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a container to its end: the core, run from the controller."""

from __future__ import annotations

from typing import Any, Dict

from ..module_utils._engine.run.resource import JOB
from ..plugin_utils.action.engine import Front
from ..plugin_utils.action.env_files import with_files
from ..plugin_utils.action.preload import OF_CONTAINERS, preload

preload([*OF_CONTAINERS, "_engine.exec", "_engine.run"])


class ActionModule(Front):
    """The action plugin of M(dockyard.fleet.run)."""

    resource = JOB
    module = "dockyard.fleet.run"

    def prepare(self, params: Dict[str, Any]) -> Dict[str, Any]:
        """Read the files of variables and labels, which are the controller's."""
        return with_files(params, self._loader)
