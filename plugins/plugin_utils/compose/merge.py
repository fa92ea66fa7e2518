# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Merge two models in their one form, the later over the earlier (Compose Specification, merge).

Mappings are merged deeply, lists appended, everything else replaced; the tables below have what
is otherwise. Arguments are never changed.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, List, Mapping, Tuple

from ...module_utils._desired.errors import InvalidOption
from .yaml12 import RESET, Override

Path = Tuple[str, ...]
_NAME = "*"


def merged(base: Mapping[str, Any], over: Mapping[str, Any], path: Path = ()) -> Dict[str, Any]:
    """Return a mapping with another one laid over it; `path` is where it stands in the model."""
    result = dict(base)
    for key, value in over.items():
        if value is RESET:
            result.pop(key, None)
        elif isinstance(value, Override):
            result[key] = settled(value.value)
        elif key not in result:
            result[key] = settled(value)
        else:
            result[key] = _value(result[key], value, (*path, key))
    return result


def settled(value: Any) -> Any:
    """Return a value without the marks of tags: what they were to take away is not there."""
    if value is RESET:
        return None
    if isinstance(value, Override):
        return settled(value.value)
    if isinstance(value, dict):
        return {key: settled(item) for key, item in value.items() if item is not RESET}
    return value


def _value(base: Any, over: Any, path: Path) -> Any:
    if over is None:
        return base
    if base is None:
        return settled(over)
    rule = _RULES.get(_pattern(path))
    if rule is not None:
        return rule(base, over, path)
    if isinstance(base, dict) and isinstance(over, dict):
        return merged(base, over, path)
    if isinstance(base, list) and isinstance(over, list):
        return _unique([*base, *over], path)
    if isinstance(base, (dict, list)) or isinstance(over, (dict, list)):
        where = ".".join(path)
        raise InvalidOption("has another form in an earlier file", option=where)
    return over


def _pattern(path: Path) -> Path:
    """Return a path with names of the user's as `*`: the second part, and below free mappings."""
    if len(path) < 3:
        return path
    rest = list(path[2:])
    for number in range(1, len(rest)):
        if rest[number - 1] in ("networks", "ulimits"):
            rest[number] = _NAME
    return (path[0], _NAME, *rest)


def _replaced(base: Any, over: Any, path: Path) -> Any:
    return settled(over)


def _logging(base: Any, over: Any, path: Path) -> Any:
    drivers = {entry["driver"] for entry in (base, over) if entry.get("driver")}
    return merged(base, over, path) if len(drivers) < 2 else settled(over)


def _subnets(base: Any, over: Any, path: Path) -> Any:
    """Lay each entry over that with its subnet; as in Compose, the others of earlier files go."""
    known = {entry.get("subnet"): entry for entry in base}
    return [{**known.get(entry.get("subnet"), {}), **entry} for entry in over]


def _joined(base: Any, over: Any, path: Path) -> Any:
    return [*base, *(entry for entry in over if entry not in base)]


_SERVICE = ("services", _NAME)
_RULES: Dict[Path, Callable[[Any, Any, Path], Any]] = {
    (*_SERVICE, "command"): _replaced,
    (*_SERVICE, "entrypoint"): _replaced,
    (*_SERVICE, "healthcheck", "test"): _replaced,
    (*_SERVICE, "logging"): _logging,
    (*_SERVICE, "ulimits", _NAME): _replaced,
    (*_SERVICE, "build", "ulimits", _NAME): _replaced,
    (*_SERVICE, "extra_hosts"): _joined,
    (*_SERVICE, "build", "extra_hosts"): _joined,
    ("networks", _NAME, "ipam", "config"): _subnets,
}


def _port(entry: Mapping[str, Any]) -> Any:
    keys = ("host_ip", "published", "target", "protocol")
    return tuple(entry.get(key) or None for key in keys)


def _target(entry: Any) -> Any:
    return entry["target"] if isinstance(entry, Mapping) else entry


def _mounted(folder: str) -> Callable[[Any], Any]:
    return lambda entry: entry.get("target") or f"{folder}/{entry['source']}"


def _itself(entry: Any) -> Any:
    return entry


# By what the entries of a list are one and the same: a later one takes the earlier one's place.
_KEYS: Dict[Path, Callable[[Any], Any]] = {
    (*_SERVICE, "ports"): _port,
    (*_SERVICE, "volumes"): _target,
    (*_SERVICE, "devices"): _target,
    (*_SERVICE, "configs"): _mounted(""),
    (*_SERVICE, "secrets"): _mounted("/run/secrets"),
    (*_SERVICE, "env_file"): lambda entry: entry["path"],
    (*_SERVICE, "tmpfs"): lambda entry: re.split(":", entry, maxsplit=1)[0],
    **{
        (*_SERVICE, *key.split(".")): _itself
        for key in (
            *("cap_add", "cap_drop", "dns", "dns_opt", "dns_search", "expose", "links"),
            *("profiles", "build.tags", "build.platforms", "label_file"),
            *(f"networks.{_NAME}.aliases", f"networks.{_NAME}.link_local_ips"),
        )
    },
}


def _unique(entries: List[Any], path: Path) -> List[Any]:
    key = _KEYS.get(_pattern(path))
    if key is None:
        return entries
    result: Dict[Any, Any] = {}
    for entry in entries:
        result[key(entry)] = entry
    return list(result.values())


def without_repetitions(name: str, service: Mapping[str, Any]) -> Dict[str, Any]:
    """Return a service whose lists name everything once, within a single file as well."""
    result = dict(service)
    for key, value in service.items():
        if isinstance(value, list) and len(value) > 1:
            result[key] = _unique(value, ("services", name, key))
    return result
