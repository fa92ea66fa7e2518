# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one form of a service's `ports`, `volumes`, `configs`, `secrets` and devices."""

from __future__ import annotations

import posixpath
from typing import Any, Dict, Iterator, List, Mapping

from ...module_utils._desired.errors import Faults, InvalidOption
from ...module_utils._engine.container.fields.ports import expand_port, read_port
from .forms import (
    Parser,
    choice,
    flag,
    items,
    named,
    number,
    octal,
    pairs,
    required,
    size,
    table,
    text,
    texts,
)

_PROPAGATIONS = ("rprivate", "private", "rshared", "shared", "rslave", "slave")
_LABELS = ("z", "Z")
# What `consistency` says means something on macOS only.
_OPTIONS = ("ro", "rw", "nocopy", *_PROPAGATIONS, *_LABELS, "consistent", "cached", "delegated")


def ports(value: Any, where: str) -> List[Dict[str, Any]]:
    """Return the long form of published ports; a range becomes one entry for each port."""
    if not isinstance(value, list):
        hint = 'such as - "8080:80"'
        raise InvalidOption("must be a list", option=where, hint=hint)
    result: List[Dict[str, Any]] = []
    faults = Faults()
    for position, entry in enumerate(value):
        with faults:
            result.extend(_port(entry, f"{where}[{position}]"))
    faults.tell()
    return result


def _port(entry: Any, where: str) -> Iterator[Dict[str, Any]]:
    if isinstance(entry, Mapping):
        entry = {key: item for key, item in entry.items() if not str(key).startswith("x-")}
        entry = {key: item for key, item in entry.items() if item is not None}
    given = read_port(entry, where)
    more = {key: given[key] for key in ("name", "app_protocol") if given.get(key)}
    for target, protocol, (address, published) in expand_port(given, where):
        port: Dict[str, Any] = {"mode": given.get("mode", "ingress"), "target": target}
        if published:
            port["published"] = published
        if address:
            port["host_ip"] = address
        yield {**port, "protocol": protocol, **more}


_VOLUME = table(
    {
        "type": choice("volume", "bind", "tmpfs", "image"),
        "source": text,
        "target": text,
        "read_only": flag,
        "consistency": text,
        "bind": table(
            {
                "propagation": choice(*_PROPAGATIONS),
                "create_host_path": flag,
                "recursive": choice("enabled", "disabled", "writable", "readonly"),
                "selinux": choice(*_LABELS),
            }
        ),
        "volume": table({"labels": pairs(), "nocopy": flag, "subpath": text}),
        "tmpfs": table({"size": size, "mode": octal}),
        "image": table({"subpath": text}),
    }
)


def volume(value: Any, where: str) -> Dict[str, Any]:
    """Return the long form of a mount.

    The source of a bind stays as it is written: an absolute path, or a relative one, which begins
    with a point. Raise InvalidOption for `~`, which nobody could expand on the host.
    """
    if isinstance(value, Mapping):
        result: Dict[str, Any] = _VOLUME(value, where)
        required(result, "type", where)
    else:
        result = _short(text(value, where), where)
    target = required(result, "target", where)
    result["target"] = posixpath.normpath(target)
    if result["type"] != "bind":
        return result
    source = required(result, "source", where)
    if source.startswith("~"):
        hint = "write the path on the host out"
        raise InvalidOption("a ~ is not expanded", option=where, hint=hint)
    if source[0] not in "/.":
        result["source"] = f"./{source}"
    return result


def _short(given: str, where: str) -> Dict[str, Any]:
    parts = given.split(":")
    if len(parts) > 3 or not all(parts):
        hint = 'write "source:/target[:ro]"'
        raise InvalidOption(f"'{given}' is not a volume", option=where, hint=hint)
    source, target = ("", parts[0]) if len(parts) == 1 else (parts[0], parts[1])
    is_path = source[:1] in (".", "/", "~")
    result: Dict[str, Any] = {"type": "bind" if is_path else "volume"}
    if source:
        result["source"] = source
    result["target"] = target
    inner: Dict[str, Any] = {"create_host_path": True} if is_path else {}
    for option in parts[2].split(",") if len(parts) == 3 else ():
        _option(result, inner, option, where)
    result["bind" if is_path else "volume"] = inner
    return result


def _option(result: Dict[str, Any], inner: Dict[str, Any], option: str, where: str) -> None:
    if option not in _OPTIONS:
        hint = f"use one of {', '.join(_OPTIONS[:-3])}"
        raise InvalidOption(f"'{option}' is not an option of a volume", option=where, hint=hint)
    if option == "ro":
        result["read_only"] = True
    elif option == "nocopy" and result["type"] == "volume":
        inner["nocopy"] = True
    elif option in _PROPAGATIONS and result["type"] == "bind":
        inner["propagation"] = option
    elif option in _LABELS and result["type"] == "bind":
        inner["selinux"] = option


_FILE = table({"source": text, "target": text, "uid": text, "gid": text, "mode": octal})


def file_mount(value: Any, where: str) -> Dict[str, Any]:
    """Return the long form of a config or a secret of a service."""
    if not isinstance(value, Mapping):
        return {"source": text(value, where)}
    result: Dict[str, Any] = _FILE(value, where)
    required(result, "source", where)
    return result


_DEVICE = table({"source": text, "target": text, "permissions": text})


def device(value: Any, where: str) -> Any:
    """Return the long form of a device; one by name (CDI: `vendor.com/class=name`) stays a text."""
    if isinstance(value, Mapping):
        result: Dict[str, Any] = _DEVICE(value, where)
        required(result, "source", where)
        return {"target": result["source"], "permissions": "rwm", **result}
    parts = text(value, where).split(":")
    if len(parts) == 1 and "=" in parts[0]:
        return parts[0]
    if len(parts) > 3 or not parts[0]:
        hint = 'such as "/dev/fuse:/dev/fuse:rw"'
        raise InvalidOption(f"'{value}' is not a device", option=where, hint=hint)
    target = parts[1] if len(parts) > 1 else parts[0]
    permissions = parts[2] if len(parts) == 3 else "rwm"
    if len(parts) == 2 and not target.startswith("/"):
        target, permissions = parts[0], parts[1]
    return {"source": parts[0], "target": target, "permissions": permissions}


def _count(value: Any, where: str) -> int:
    return -1 if value == "all" else number(value, where)


_REQUEST = table(
    {
        "capabilities": texts,
        "count": _count,
        "device_ids": texts,
        "driver": text,
        "options": pairs(),
    }
)


def device_request(value: Any, where: str) -> Dict[str, Any]:
    """Return a request for devices of a driver, all of them (-1) unless it says which."""
    result: Dict[str, Any] = _REQUEST(value, where)
    if "count" in result and "device_ids" in result:
        raise InvalidOption("excludes device_ids", option=f"{where}.count", hint="keep one")
    return result


def gpus(value: Any, where: str) -> List[Dict[str, Any]]:
    """Return the requests of `gpus`."""
    return [{"count": -1}] if value == "all" else items(device_request)(value, where)


def ulimits(value: Any, where: str) -> Dict[str, Any]:
    """Return limits by name: a number, or soft and hard."""
    result: Dict[str, Any] = named(_limit)(value, where)
    return result


_BOTH = table({"soft": number, "hard": number})


def _limit(value: Any, where: str) -> Any:
    if not isinstance(value, Mapping):
        return number(value, where)
    result: Dict[str, Any] = _BOTH(value, where)
    for key in ("soft", "hard"):
        required(result, key, where)
    return result


def _rates(parser: Parser) -> Parser:
    return items(table({"path": text, "rate": parser}))


blkio = table(
    {
        "weight": number,
        "weight_device": items(table({"path": text, "weight": number})),
        "device_read_bps": _rates(size),
        "device_write_bps": _rates(size),
        "device_read_iops": _rates(number),
        "device_write_iops": _rates(number),
    }
)
