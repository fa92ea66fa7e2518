# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container's connection to a network is called here and there."""

from __future__ import annotations

from typing import Any, Dict, Mapping

Endpoint = Dict[str, Any]

IPS = {"ipv4_address": "IPv4Address", "ipv6_address": "IPv6Address"}
INTERFACE = "com.docker.network.endpoint.ifname"


def on_paper(container: Mapping[str, Any], point: Mapping[str, Any], kind: str) -> bool:
    """Tell whether a container, listed or inspected, has an endpoint on paper only.

    Docker keeps what a connect asked for that failed: inspect shows it as if it were there, but
    for its id. It can be connected then, not disconnected. Podman never shows an id.
    """
    state = container.get("State") or {}
    # Between two restarts nothing is connected.
    status = state if isinstance(state, str) else state.get("Status")
    return kind == "docker" and status in ("running", "paused") and not point.get("EndpointID")
