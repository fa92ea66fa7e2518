# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Endpoints as they are declared and created: what a task without networks does not load."""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, Iterable, Mapping, Optional, Tuple

from ...._desired.errors import InvalidOption
from ...._desired.fields import Context
from ...._desired.schema import check_keys
from ...network.endpoint import INTERFACE, IPS, Endpoint
from ...values.ip_addresses import parse_ip
from ...values.strings import parse_strings, parse_text
from .common import parse_set, parse_words

# What Linux takes; it has a name of its own for the loopback interface.
_INTERFACE = re.compile(r"(?!(lo|\.|\.\.)\Z)[^\s/:]{1,15}")
_LISTS = ("aliases", "link_local_ips")
_KEYS = (*_LISTS, *IPS, "mac_address", "driver_opts", "interface_name", "gw_priority", "priority")


def parse_networks(value: Any, where: str) -> Optional[Dict[str, Endpoint]]:
    """Return Compose's `networks`, a list of names or a mapping, in the order of their joining."""
    if value in ([], {}):
        return None  # as in Compose: the default network; network_mode: none has none
    if isinstance(value, Mapping):
        result = {
            str(name): _endpoint(entry or {}, f"{where}.{name}") for name, entry in value.items()
        }
        # The first one is joined at creation; before API 1.44 only that one takes a MAC address.
        order = sorted(
            result, key=lambda n: (-result[n].pop("priority", 0), "mac_address" not in result[n])
        )
        _check_interfaces(result, where)
        return {name: result[name] for name in _joined(order, where)}
    if isinstance(value, str):
        raise InvalidOption("must be a list or a mapping", option=where, hint=f"[{value}]")
    for number, entry in enumerate(value if isinstance(value, list) else ()):
        if isinstance(entry, Mapping):
            text, hint = "is a mapping", "write names with settings as {front: {aliases: [web]}}"
            raise InvalidOption(text, option=f"{where}[{number}]", hint=hint)
    names = parse_words(value, where)
    if len(set(names)) < len(names):
        raise InvalidOption("names a network twice", option=where)
    return {name: {} for name in _joined(names, where)}


def _check_interfaces(result: Mapping[str, Endpoint], where: str) -> None:
    """Raise InvalidOption if two networks would have one interface."""
    seen: Dict[str, str] = {}
    for name, endpoint in result.items():
        interface = (endpoint.get("driver_opts") or {}).get(INTERFACE, "")
        if interface and interface in seen:
            text = f"{interface} is the interface of {seen[interface]} too"
            hint = "give each network one of its own"
            raise InvalidOption(text, option=f"{where}.{name}.interface_name", hint=hint)
        seen[interface] = name


def _joined(names: Iterable[str], where: str) -> Iterable[str]:
    """Return the names again; raise InvalidOption for a mode, which is no network to join."""
    for name in names:
        if name == "default":  # no engine has one of that name
            text = "default is the network of a Compose project, and a task has none"
            hint = "name a network, or write network_mode: bridge for the engine's own"
            raise InvalidOption(text, option=where, hint=hint)
        if name in ("host", "none"):
            text, hint = f"{name} is a mode, not a network to join", f"write network_mode: {name}"
            raise InvalidOption(text, option=where, hint=hint)
    return names


def _endpoint(entry: Any, where: str) -> Endpoint:
    check_keys(entry, _KEYS, where)
    result: Endpoint = {}
    for key, parse in _PARSERS.items():
        if entry.get(key):
            result[key] = parse(entry[key], f"{where}.{key}")
    options = parse_strings(entry.get("driver_opts") or {}, f"{where}.driver_opts")
    if entry.get("interface_name"):
        options[INTERFACE] = parse_text(entry["interface_name"], f"{where}.interface_name")
    if not _INTERFACE.fullmatch(options.get(INTERFACE, "eth0")):
        raise InvalidOption(
            f"'{options[INTERFACE]}' is not the name of an interface",
            option=f"{where}.interface_name",
            hint="at most 15 characters, without blanks, '/' and ':'",
        )
    return {**result, "driver_opts": options} if options else result


def _whole(value: Any, where: str) -> int:
    try:
        return int(str(value))
    except ValueError:
        raise InvalidOption(f"'{value}' is not a whole number", option=where) from None


def parse_mac(value: Any, where: str) -> str:
    """Return a MAC address in lower case."""
    mac = parse_text(value, where).lower().replace("-", ":")
    parts = mac.split(":")
    if [len(part) for part in parts] != [2] * 6 or set("".join(parts)) - set("0123456789abcdef"):
        raise InvalidOption(
            f"'{value}' is not a MAC address", option=where, hint="such as 02:42:ac:11:00:03"
        )
    return mac


def split_macs(declared: Dict[str, Any]) -> None:
    """Move all MAC addresses into `mac_address`: network → address; alone it is the first's."""
    networks = declared.get("networks") or {}
    macs = {
        name: entry.pop("mac_address") for name, entry in networks.items() if "mac_address" in entry
    }
    if "mac_address" in declared:
        first = next(iter(networks), None) or declared.get("network_mode") or "bridge"
        if macs.get(first, declared["mac_address"]) != declared["mac_address"]:
            raise InvalidOption(f"networks.{first} has another one", option="mac_address")
        macs[first] = declared["mac_address"]
    if macs:
        declared["mac_address"] = macs


def _parse_local(value: Any, where: str) -> Tuple[str, ...]:
    return tuple(sorted({parse_ip(entry, where) for entry in parse_set(value, where)}))


_PARSERS: Mapping[str, Callable[[Any, str], Any]] = {
    "aliases": parse_set,
    "link_local_ips": _parse_local,
    "ipv4_address": lambda value, where: parse_ip(value, where, 4),
    "ipv6_address": lambda value, where: parse_ip(value, where, 6),
    "mac_address": parse_mac,
    "gw_priority": _whole,
    "priority": _whole,
}


def endpoint_body(endpoint: Endpoint) -> Dict[str, Any]:
    """Return the engine's EndpointSettings of one declared endpoint."""
    result: Dict[str, Any] = {}
    if endpoint.get("aliases"):
        result["Aliases"] = list(endpoint["aliases"])
    ipam = {name: endpoint[key] for key, name in IPS.items() if endpoint.get(key)}
    if endpoint.get("link_local_ips"):
        ipam["LinkLocalIPs"] = list(endpoint["link_local_ips"])
    if ipam:
        result["IPAMConfig"] = ipam
    for key, name in (("driver_opts", "DriverOpts"), ("gw_priority", "GwPriority")):
        if endpoint.get(key):
            result[name] = endpoint[key]
    return result


def write_macs(body: Dict[str, Any], value: Any, context: Context) -> None:
    """Put MAC addresses by network into a create body."""
    if context.api < (1, 44):
        body["MacAddress"] = next(iter(value.values()))
        return
    endpoints = body.setdefault("NetworkingConfig", {}).setdefault("EndpointsConfig", {})
    for name, mac in value.items():
        endpoints.setdefault(name, {})["MacAddress"] = mac


def write_networks(body: Dict[str, Any], value: Any, context: Context) -> None:
    """Put the networks into a create body: all of them from API 1.44, the first before that."""
    names = list(value) if context.api >= (1, 44) else list(value)[:1]
    if names:
        body.setdefault("HostConfig", {})["NetworkMode"] = names[0]
        endpoints = {name: endpoint_body(value[name]) for name in names}
        body["NetworkingConfig"] = {"EndpointsConfig": endpoints}
