# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices of the host. Canonical `devices`: path in the container → {source, permissions}.

Devices by name (CDI), GPUs and reservations are all requests to a driver: `device_requests`.
"""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping, Tuple

from ...._desired.errors import InvalidOption
from ...._desired.fields import Context, FieldSpec
from ...._desired.schema import check_keys
from ...._desired.values import canonical, dig
from ...values.strings import parse_strings, parse_text
from .common import parse_set, parse_words, words

Device = Dict[str, str]
Request = Dict[str, Any]

_ALL = "rwm"
_KEYS = ("source", "target", "permissions")
_RULE = re.compile(r"[abc] ([0-9]+|\*):([0-9]+|\*) [rwm]{1,3}")
_REQUEST = ("driver", "count", "device_ids", "capabilities", "options")


def _parse_devices(value: Any, where: str) -> Dict[str, Device]:
    devices: Dict[str, Device] = {}
    for position, entry in enumerate(value):
        here = f"{where}[{position}]"
        source, target, permissions = _parts(entry, here)
        for path in (source, target):
            if not path.startswith("/"):
                raise InvalidOption(
                    f"'{path}' is not a path", option=here, hint='such as "/dev/fuse:/dev/fuse:rw"'
                )
        if target in devices:
            raise InvalidOption(f"two devices have the target {target}", option=here)
        if not permissions or set(permissions) - set(_ALL):
            raise InvalidOption(
                f"'{permissions}' are not permissions", option=here, hint="letters of rwm"
            )
        devices[target] = {"source": source, "permissions": _ordered(permissions)}
    return devices


def _ordered(permissions: str) -> str:
    return "".join(letter for letter in _ALL if letter in permissions)


def _parts(entry: Any, where: str) -> Tuple[str, str, str]:
    if isinstance(entry, Mapping):
        check_keys(entry, _KEYS, where)
        source = parse_text(entry.get("source") or "", f"{where}.source")
        return source, entry.get("target") or source, entry.get("permissions") or _ALL
    source, _colon, rest = parse_text(entry, where).partition(":")
    target, _colon, permissions = rest.partition(":")
    if target and not target.startswith("/") and not permissions:
        return source, source, target  # "/dev/sda:r"
    return source, target or source, permissions or _ALL


def _read_devices(obj: Mapping[str, Any], context: Context) -> Dict[str, Device]:
    return {
        entry["PathInContainer"]: {
            "source": entry["PathOnHost"],
            "permissions": _ordered(entry.get("CgroupPermissions") or _ALL),
        }
        for entry in dig(obj, "HostConfig.Devices") or ()
    }


def _write_devices(body: Dict[str, Any], value: Any, context: Context) -> None:
    body.setdefault("HostConfig", {})["Devices"] = [
        {
            "PathOnHost": device["source"],
            "PathInContainer": target,
            "CgroupPermissions": device["permissions"],
        }
        for target, device in value.items()
    ]


def _rule(entry: str) -> str:
    """Return a rule with its permissions in order; what is none stays as it is."""
    words = entry.split()
    return " ".join([*words[:-1], _ordered(words[-1])]) if _RULE.fullmatch(entry) else entry


def _parse_rules(value: Any, where: str) -> Tuple[str, ...]:
    rules = parse_set(value, where)
    for rule in rules:
        if not _RULE.fullmatch(rule):  # an engine would see it when the container starts
            hint = 'such as "c 1:3 rwm"'
            raise InvalidOption(f"'{rule}' is not a rule", option=where, hint=hint)
    return tuple(sorted({_rule(rule) for rule in rules}))


def _read_rules(obj: Mapping[str, Any], context: Context) -> Tuple[str, ...]:
    return tuple(sorted({_rule(entry) for entry in dig(obj, "HostConfig.DeviceCgroupRules") or ()}))


def _parse_requests(value: Any, where: str) -> Tuple[Request, ...]:
    result = [_request(entry, f"{where}[{n}]") for n, entry in enumerate(value)]
    return tuple(sorted(result, key=canonical))


def _request(entry: Any, where: str) -> Request:
    check_keys(entry, _REQUEST, where)
    ids = parse_words(entry.get("device_ids") or (), f"{where}.device_ids")
    count = entry.get("count")
    if ids and count:
        raise InvalidOption("excludes device_ids", option=f"{where}.count", hint="keep one")
    if count not in (None, "all") and not str(count).lstrip("-").isdigit():
        raise InvalidOption(
            f"'{count}' is not a number", option=f"{where}.count", hint="a number, or all"
        )
    asked = -1 if count in (None, "all") and not ids else int(count or 0)
    return {
        "driver": parse_text(entry.get("driver") or "", f"{where}.driver"),
        "count": asked,
        "device_ids": tuple(sorted(ids)),
        "capabilities": _capabilities(entry.get("capabilities") or (), where),
        "options": parse_strings(entry.get("options") or {}, f"{where}.options"),
    }


def _capabilities(value: Any, where: str) -> Tuple[Tuple[str, ...], ...]:
    """Return alternatives of capabilities that go together; a plain list is one of them."""
    lists = value if value and isinstance(value[0], (list, tuple)) else [value]
    parsed = [tuple(sorted(set(parse_words(entry, f"{where}.capabilities")))) for entry in lists]
    return tuple(sorted(entry for entry in parsed if entry))


def _read_requests(obj: Mapping[str, Any], context: Context) -> Tuple[Request, ...]:
    requests = []
    for entry in dig(obj, "HostConfig.DeviceRequests") or ():
        lists = (tuple(sorted(set(words))) for words in entry.get("Capabilities") or ())
        requests.append(
            {
                "driver": entry.get("Driver") or "",
                "count": int(entry.get("Count") or 0),
                "device_ids": tuple(sorted(entry.get("DeviceIDs") or ())),
                "capabilities": tuple(sorted(words for words in lists if words)),
                "options": dict(entry.get("Options") or {}),
            }
        )
    return tuple(sorted(requests, key=canonical))


def _write_requests(body: Dict[str, Any], value: Any, context: Context) -> None:
    result: List[Dict[str, Any]] = [
        {
            "Driver": entry["driver"],
            "Count": entry["count"],
            "DeviceIDs": list(entry["device_ids"]) or None,
            "Capabilities": [list(words) for words in entry["capabilities"]],
            "Options": entry["options"],
        }
        for entry in value
    ]
    body.setdefault("HostConfig", {})["DeviceRequests"] = result


FIELDS = (
    FieldSpec(
        "devices",
        at="HostConfig.Devices",
        option={"type": "list", "elements": "raw"},
        compare="map",
        parse=_parse_devices,
        read=_read_devices,
        write=_write_devices,
        show=lambda entry: f"{entry['source']} ({entry['permissions']})",
    ),
    words(
        "device_cgroup_rules",
        "HostConfig.DeviceCgroupRules",
        parse=_parse_rules,
        read=_read_rules,
    ),
    FieldSpec(
        "device_requests",
        at="HostConfig.DeviceRequests",
        option={"type": "list", "elements": "raw"},
        compare="list",
        parse=_parse_requests,
        read=_read_requests,
        write=_write_requests,
        only=("docker", "windows"),
    ),
)
