# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Compose fills in when all files are merged: names, networks, dependencies, defaults."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from .deploy import without_swarm
from .interpolation import Notes
from .merge import without_repetitions

_NAMESPACES = ("network_mode", "ipc", "pid", "uts", "cgroup")
_STARTED = "service_started"
_IGNORED = {"pull_refresh_after": "use pull_policy: every_12h or the like", "attach": ""}


def service(
    name: str, entry: Mapping[str, Any], known: Mapping[str, str], notes: Notes
) -> Dict[str, Any]:
    """Return a service with its defaults; `known` variables stand for keys without a value."""
    result = without_repetitions(name, entry)
    result.pop("extends", None)
    where = f"services.{name}"
    if "environment" in result:
        result["environment"] = {
            key: known.get(key) if value is None else value
            for key, value in result["environment"].items()
        }
    if "build" in result:
        result["build"] = _build(result["build"], known)
    if result.get("deploy"):
        result["deploy"] = without_swarm(result["deploy"], where + ".deploy", notes.texts)
    for key, instead in _IGNORED.items():
        if result.pop(key, None) is not None and instead:
            notes.add(f"{where}.{key} has no effect in Compose either: {instead}")
    if not result.get("networks"):
        result.pop("networks", None)
        if not result.get("network_mode"):
            result["networks"] = {"default": None}
    _fill(result)
    needs = _dependencies(result)
    if needs:
        result["depends_on"] = needs
    return result


def _fill(result: Dict[str, Any]) -> None:
    """Fill in what lists of a service leave out: counts, targets, that a bind makes its folder."""
    for request in _requests(result):
        if "count" not in request and "device_ids" not in request:
            request["count"] = -1
    for key, folder in (("secrets", "/run/secrets/"), ("configs", "/")):
        if result.get(key):
            result[key] = [{"target": folder + entry["source"], **entry} for entry in result[key]]
    if result.get("volumes"):
        result["volumes"] = [_bind(entry) for entry in result["volumes"]]


def _requests(entry: Dict[str, Any]) -> Any:
    """Yield requests for devices, which are this service's own copies."""
    reserved = ((entry.get("deploy") or {}).get("resources") or {}).get("reservations") or {}
    for owner, key in ((entry, "gpus"), (reserved, "devices")):
        if owner.get(key):
            owner[key] = [dict(request) for request in owner[key]]
            yield from owner[key]


def _build(build: Mapping[str, Any], known: Mapping[str, str]) -> Dict[str, Any]:
    result = dict(build)
    if "dockerfile" not in result and "dockerfile_inline" not in result:
        result["dockerfile"] = "Dockerfile"
    if "args" in result:
        filled = {k: known.get(k) if v is None else v for k, v in result["args"].items()}
        result["args"] = {key: value for key, value in filled.items() if value is not None}
    if "ssh" in result:
        result["ssh"] = [
            key if not path else f"{key}={path}" for key, path in result["ssh"].items()
        ]
    return result


def _bind(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    if entry.get("type") != "bind":
        return entry
    return {**entry, "bind": {"create_host_path": True, **(entry.get("bind") or {})}}


def _dependencies(entry: Mapping[str, Any]) -> Dict[str, Dict[str, Any]]:
    """Return declared dependencies, and those that follow from links, namespaces and volumes."""
    result = {
        name: {"condition": _STARTED, "restart": False, "required": True, **(need or {})}
        for name, need in (entry.get("depends_on") or {}).items()
    }

    def add(name: str, restart: bool) -> None:
        need = {"condition": _STARTED, "restart": restart, "required": True}
        result.setdefault(name, need)

    for link in entry.get("links") or ():
        add(link.partition(":")[0], True)
    for key in _NAMESPACES:
        kind, _colon, name = str(entry.get(key) or "").partition(":")
        if kind == "service" and name:
            add(name, True)
    for source in entry.get("volumes_from") or ():
        if not source.startswith("container:"):
            add(source.partition(":")[0], False)
    return result


def resources(section: Any, project: str) -> Dict[str, Dict[str, Any]]:
    """Return networks or the like with the names that they have on the engine."""
    result = {}
    for key, entry in (section or {}).items():
        given = dict(entry or {})
        if not given.get("external"):
            given.pop("external", None)
        name = given.pop("name", None) or (key if given.get("external") else f"{project}_{key}")
        result[key] = {"name": name, **given}
    return result
