# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command in a container: the core, run from the controller."""

from __future__ import annotations

from ..module_utils._engine.exec.resource import EXEC
from ..plugin_utils.action.engine import Front
from ..plugin_utils.action.preload import preload

preload(["_engine.exec"])


class ActionModule(Front):
    """The action plugin of M(dockyard.fleet.exec)."""

    resource = EXEC
    module = "dockyard.fleet.exec"
