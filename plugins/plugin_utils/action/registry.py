# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The front end of accounts: where they are kept decides where the work is done."""

from __future__ import annotations

from typing import Any, Dict

from .engine import Front


class LoginFront(Front):
    """An action plugin whose `store` says on which machine its core runs."""

    def prepare(self, params: Dict[str, Any]) -> Dict[str, Any]:
        """Take the channel for this machine, and the module for the host."""
        here = params["store"] == "controller"
        return {**params, "engine_via": "channel" if here else "target"}
