# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting a new container before the old one stops, and what forbids that.

Compose Deploy Specification, "update_config": `order: start-first`. Both run for a while, so there
must be nothing that only one of them can have.
"""

from __future__ import annotations

from typing import Any, Iterator, List, Mapping

from ..._desired.errors import InvalidOption
from ..._desired.schema import check_keys
from .fields.mounts import anonymous
from .observed import Observed

_OPTION = "deploy.update_config.order"
_ORDERS = ("start-first", "stop-first")
_KEYS = ("delay", "failure_action", "max_failure_ratio", "monitor", "order", "parallelism")


def declares(deploy: Mapping[str, Any], declared: Mapping[str, Any]) -> bool:
    """Tell whether `deploy` asks for it; raise InvalidOption if the declaration forbids it."""
    update = deploy.get("update_config") or {}
    check_keys(update, _KEYS, "deploy.update_config")
    order = update.get("order") or "stop-first"
    if order not in _ORDERS:
        text = f"'{order}' is not an order"
        raise InvalidOption(text, option=_OPTION, hint=", ".join(_ORDERS))
    if order == "stop-first":
        return False
    obstacles = list(_obstacles(declared))
    if obstacles:
        raise InvalidOption(
            f"start-first cannot work with {', '.join(obstacles)}: only one container can have it",
            option=_OPTION,
            hint="use stop-first, or leave that out",
        )
    return True


def obstacles_there(observed: Observed) -> List[str]:
    """Return what of the container as it is forbids it, in words."""
    current = observed.current or {}
    result = [f"the anonymous volume at {target}" for target, _name in anonymous(current)]
    result += [f"{entry.name} in its namespaces" for entry in observed.dependents]
    return [f"order: start-first cannot work with {text}; use stop-first" for text in result]


def _obstacles(declared: Mapping[str, Any]) -> Iterator[str]:
    yield from _of_networks(declared)
    if declared.get("devices"):
        yield "devices"
    for target, mount in (declared.get("volumes") or {}).items():
        if mount.get("type") not in ("tmpfs", "image") and not mount.get("read_only"):
            yield f"the writable mount {target}"


def _of_networks(declared: Mapping[str, Any]) -> Iterator[str]:
    for port, bindings in (declared.get("ports") or {}).items():
        for _ip, host in bindings:
            if host and "-" not in host:  # of a range each takes one that is free
                yield f"the host port {host} of {port}"
    mode = str(declared.get("network_mode") or "")
    if mode == "host" or mode.startswith("container:"):
        yield f"network_mode: {mode}"
    for name, endpoint in (declared.get("networks") or {}).items():
        for key in ("ipv4_address", "ipv6_address", "mac_address"):
            if endpoint.get(key):
                yield f"networks.{name}.{key}"
    if declared.get("mac_address"):
        yield "mac_address"
