# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one form of a service's `deploy` (Compose Deploy Specification)."""

from __future__ import annotations

from typing import Any, Dict, Iterator, Mapping

from .forms import choice, decimal, duration, items, number, pairs, size, table, text, texts
from .mounts import device_request

_UPDATE = table(
    {
        "parallelism": number,
        "delay": duration,
        "failure_action": choice("continue", "rollback", "pause"),
        "monitor": duration,
        "max_failure_ratio": decimal,
        "order": choice("start-first", "stop-first"),
    }
)
deploy = table(
    {
        "mode": choice("replicated", "global"),
        "endpoint_mode": text,
        "replicas": number,
        "labels": pairs(),
        "rollback_config": _UPDATE,
        "update_config": _UPDATE,
        "resources": table(
            {
                "limits": table({"cpus": decimal, "memory": size, "pids": number}),
                "reservations": table(
                    {
                        "cpus": decimal,
                        "memory": size,
                        "generic_resources": items(
                            table(
                                {"discrete_resource_spec": table({"kind": text, "value": number})}
                            )
                        ),
                        "devices": items(device_request),
                    }
                ),
            }
        ),
        "restart_policy": table(
            {
                "condition": choice("none", "on-failure", "any"),
                "delay": duration,
                "max_attempts": number,
                "window": duration,
            }
        ),
        "placement": table(
            {
                "constraints": texts,
                "preferences": items(table({"spread": text})),
                "max_replicas_per_node": number,
            }
        ),
    }
)
# What only a swarm acts on: Compose takes it, and nothing comes of it on an engine.
_SWARM = (
    ("placement",),
    ("endpoint_mode",),
    ("labels",),
    ("resources", "reservations", "cpus"),
    ("resources", "reservations", "generic_resources"),
    ("restart_policy", "delay"),
    ("restart_policy", "window"),
)


def without_swarm(value: Dict[str, Any], where: str, notes: Dict[str, None]) -> Dict[str, Any]:
    """Return `deploy` without what only a swarm acts on; `notes` gets a warning for each key."""
    for path in _SWARM:
        inner: Any = value
        for key in path:
            inner = inner.get(key) if isinstance(inner, Mapping) else None
        if inner is not None:
            key = ".".join(path)
            notes[f"{where}.{key} is for a swarm, and nothing comes of it here"] = None
    return _without(value, _SWARM)


def _without(value: Mapping[str, Any], paths: Any) -> Dict[str, Any]:
    here = {path[0] for path in paths if len(path) == 1}
    return dict(_kept(value, paths, here))


def _kept(value: Mapping[str, Any], paths: Any, here: Any) -> Iterator[Any]:
    for key, item in value.items():
        if key in here:
            continue
        inner = [path[1:] for path in paths if path[0] == key and len(path) > 1]
        if inner and isinstance(item, Mapping):
            item = _without(item, inner)
            if not item:
                continue
        yield key, item
