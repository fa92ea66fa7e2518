# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The front end on the controller for what only reads: no plan, no lock."""

from __future__ import annotations

from typing import Any, Dict

from ...module_utils._desired.info import report
from .engine import Front, Reach


class ReadingFront(Front):
    """An action plugin whose `resource` is a look.Reader."""

    def _here(self, params: Dict[str, Any], host: str) -> Dict[str, Any]:
        with Reach(self, params) as reach:
            result = report(self.resource, params, reach.connect)
            way = reach.public()
            return {**result, "engine_way": way} if way else result
