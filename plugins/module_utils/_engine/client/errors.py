# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an engine refused, and a connection that broke."""

from __future__ import annotations

from typing import Any

from ..._desired.errors import FleetError


class EngineError(FleetError):
    """An answer that is not success; `status` is 0 when there was no (readable) answer."""

    def __init__(
        self, message: str, *, status: int = 0, method: str = "", path: str = "", **more: Any
    ) -> None:
        super().__init__(message, **more)
        self.status = status
        self.refused = 400 <= status < 500
        self.method = method
        self.path = path


class ConnectionLost(EngineError):
    """The connection broke or timed out after a request may have reached the engine."""

    outcome_unknown = True
