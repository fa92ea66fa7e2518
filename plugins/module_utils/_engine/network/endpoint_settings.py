# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container's connection to a network was asked for, and cannot be given again."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Tuple

from ..._desired.values import dig


def asked_of(point: Mapping[str, Any], ident: str, kind: str) -> Dict[str, Any]:
    """Return what was asked for of an observed endpoint: what the engine chose, it chooses anew.

    Podman does not show what was asked for; see podman.py.
    """
    result: Dict[str, Any] = {
        key: point[key]
        for key in ("IPAMConfig", "Links", "DriverOpts", "GwPriority")
        if point.get(key)
    }
    # Before API 1.45 the container's short id joins the aliases.
    aliases = [alias for alias in point.get("Aliases") or () if alias != ident[:12]]
    if aliases:
        result["Aliases"] = aliases
    if kind == "podman":
        from .podman import had

        result.update(had(point))
    return result


def fixed_mac(
    container: Mapping[str, Any],
    network: str,
    kind: str,
    api: Tuple[int, int],
    declared: Mapping[str, str],
) -> str:
    """Return the MAC address that a container was given in a network and would not have again
    once it has left it, or "".

    Before API 1.44 Docker takes it from the container, and so connects with it; since then from the
    endpoint, and it does so at creation only (up to 1.53). Of the first network it can be seen, of
    others a task may say it.
    """
    if kind != "docker" or api < (1, 44):
        return ""
    first = str(dig(container, "HostConfig.NetworkMode") or "") == network
    shown = str(dig(container, "Config.MacAddress") or "") if first else ""
    return shown or declared.get(network, "")
