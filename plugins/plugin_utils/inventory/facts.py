# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an inventory says of a container, out of the engine's description of it.

Neither environment nor command are part of it: they may hold secrets, and an inventory is shown
and cached.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Tuple

from ...module_utils._desired.errors import FleetError
from ...module_utils._desired.values import dig
from ...module_utils._engine.client.names import container_name
from ...module_utils._engine.values.labels import COMPOSE_LABELS, OUR_LABELS

# What each variable is.
SHAPES: Dict[str, type] = {
    **dict.fromkeys(("container_name", "container_id", "container_state", "container_health"), str),
    **dict.fromkeys(("container_image", "container_image_id", "container_created"), str),
    **dict.fromkeys(("container_project", "container_service"), str),
    **dict.fromkeys(("container_labels", "container_networks", "container_ports"), dict),
}
# Above these, an answer is not what people have; characters and entries.
LONGEST = 4096
MOST = 500


def facts_of(inspect: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the variables of a container, by the names in `SHAPES`.

    Labels of ours are left out, and texts longer than `LONGEST`. Raise FleetError for what does
    not describe a container.
    """
    labels = _labels(dig(inspect, "Config.Labels"))
    health = dig(inspect, "State.Health.Status") or dig(inspect, "State.Healthcheck.Status")
    return {
        "container_name": container_name(_text(inspect.get("Name")), "Name"),
        "container_id": _text(inspect.get("Id")),
        "container_state": _text(dig(inspect, "State.Status")),
        "container_health": _text(health) or "none",
        "container_image": _text(dig(inspect, "Config.Image")),
        "container_image_id": _text(inspect.get("Image")),
        "container_created": _text(inspect.get("Created")),
        "container_project": labels.get(f"{COMPOSE_LABELS}project", ""),
        "container_service": labels.get(f"{COMPOSE_LABELS}service", ""),
        "container_labels": labels,
        "container_networks": _networks(dig(inspect, "NetworkSettings.Networks")),
        "container_ports": _ports(dig(inspect, "NetworkSettings.Ports")),
    }


def are_facts(value: Any) -> bool:
    """Tell whether a value has the shape of what `facts_of` returns."""
    return (
        isinstance(value, dict)
        and set(value) == set(SHAPES)
        and all(_is_a(kind, value[name]) for name, kind in SHAPES.items())
    )


def _is_a(kind: type, value: Any) -> bool:
    # A function of its own: pylint takes the types in SHAPES for values.
    return isinstance(value, kind)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > LONGEST:
        raise FleetError("the engine's description of a container is not one")
    return value


def _entries(value: Any) -> Tuple[Tuple[str, Any], ...]:
    if value is None:
        return ()
    if not isinstance(value, dict) or len(value) > MOST:
        raise FleetError("the engine's description of a container is not one")
    return tuple(value.items())


def _labels(value: Any) -> Dict[str, str]:
    return {
        key: text
        for key, text in _entries(value)
        if isinstance(text, str)
        and max(len(key), len(text)) <= LONGEST
        and not key.startswith(OUR_LABELS)
    }


def _networks(value: Any) -> Dict[str, str]:
    """Return the container's address in each network, "" where it has none."""
    return {
        _text(name): _text(dig(entry, "IPAddress")) or _text(dig(entry, "GlobalIPv6Address"))
        for name, entry in _entries(value)
    }


def _ports(value: Any) -> Dict[str, Any]:
    """Return where each port is published: {"80/tcp": ["0.0.0.0:8080"]}."""
    ports: Dict[str, Any] = {}
    for name, bindings in _entries(value):
        if isinstance(bindings, list) and bindings:
            pairs = [(dig(entry, "HostIp"), dig(entry, "HostPort")) for entry in bindings[:MOST]]
            places = [f"{_text(ip) or '0.0.0.0'}:{_text(port)}" for ip, port in pairs]
            ports[_text(name)] = sorted(set(places))
    return ports
