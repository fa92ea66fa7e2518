# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log in at a registry: the core, run where the account is to be kept."""

from __future__ import annotations

from ..module_utils._engine.registry.login import LOGIN
from ..plugin_utils.action.registry import LoginFront


class ActionModule(LoginFront):
    """The action plugin of M(dockyard.fleet.login)."""

    resource = LOGIN
    module = "dockyard.fleet.login"
