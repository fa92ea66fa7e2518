# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The front end on the controller for what only reads: no plan, no lock."""

from __future__ import annotations

from typing import Any, Dict

from ..module_utils._desired.look import report
from ..module_utils._engine.client import Client
from .channel import open_channel
from .front import Front


class ReadingFront(Front):
    """An action plugin whose `resource` is a look.Reader."""

    def _here(self, params: Dict[str, Any], host: str) -> Dict[str, Any]:
        opened: Dict[str, Any] = {}

        def connect() -> Client:
            channel = open_channel(self, params["engine_host"], params["engine_timeout"])
            opened["channel"] = channel
            client = Client(channel.dial, params["engine_timeout"])
            opened["client"] = client
            return client

        try:
            result = report(self.resource, params, connect)
            if "channel" in opened:
                way = opened["channel"].way
                result["engine_way"] = {"name": way.name, "tried": list(way.tried)}
            return result
        finally:
            for name in ("client", "channel"):
                if name in opened:
                    opened[name].close()
