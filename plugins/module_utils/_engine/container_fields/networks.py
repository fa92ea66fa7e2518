# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks. Canonical: network name → {aliases, ipv4_address, ipv6_address}, absent when unset.

`network_mode` is None for a container on bridges: the default one or the networks it names, which
change live. `host`, `none` and `container:<id>` are fixed at creation.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

from ..._desired.errors import InvalidOption
from ..._desired.model import Context, FieldSpec
from ..._desired.spec import check_known
from ..._desired.values import dig
from .common import parse_text, parse_words

Endpoint = Dict[str, Any]

_KEYS = ("aliases", "ipv4_address", "ipv6_address")
_BRIDGE = ("bridge", "default")


def fixed_mode(mode: Optional[str]) -> Optional[str]:
    """Return a network mode that is fixed at creation, or None for bridges and networks."""
    text = mode or ""
    return text if text in ("host", "none") or text.startswith("container:") else None


def _parse_mode(value: Any, where: str) -> str:
    mode = parse_text(value, where)
    if mode.startswith("service:"):
        raise InvalidOption(
            "service: names a service of a stack", option=where, hint="use container:NAME"
        )
    return "bridge" if mode in _BRIDGE else mode


def _read_mode(obj: Mapping[str, Any], context: Context) -> Optional[str]:
    return fixed_mode(dig(obj, "HostConfig.NetworkMode"))


def _parse_networks(value: Any, where: str) -> Optional[Dict[str, Endpoint]]:
    if value in ([], {}):
        return None  # as in Compose: the default network; network_mode: none has none
    if isinstance(value, Mapping):
        return {
            str(name): _endpoint(entry or {}, f"{where}.{name}") for name, entry in value.items()
        }
    if isinstance(value, str):
        raise InvalidOption("takes a list or a mapping", option=where, hint=f"[{value}]")
    names = parse_words(value, where)
    if len(set(names)) < len(names):
        raise InvalidOption("names a network twice", option=where)
    return {name: {} for name in names}


def _endpoint(entry: Any, where: str) -> Endpoint:
    if not isinstance(entry, Mapping):
        raise InvalidOption("takes a mapping", option=where, hint=f"keys are {', '.join(_KEYS)}")
    check_known(entry, {key: {} for key in _KEYS}, where)
    made: Endpoint = {}
    if entry.get("aliases"):
        made["aliases"] = tuple(sorted(set(parse_words(entry["aliases"], f"{where}.aliases"))))
    for key in ("ipv4_address", "ipv6_address"):
        if entry.get(key):
            made[key] = _address(entry[key], f"{where}.{key}")
    return made


def _address(value: Any, where: str) -> str:
    import ipaddress

    version = 6 if "ipv6" in where else 4
    try:
        kind = ipaddress.IPv6Address if version == 6 else ipaddress.IPv4Address
        return str(kind(str(value)))
    except ValueError:
        raise InvalidOption(f"'{value}' is not an IPv{version} address", option=where) from None


def _read_networks(obj: Mapping[str, Any], context: Context) -> Dict[str, Endpoint]:
    if _read_mode(obj, context):
        return {}
    networks = dig(obj, "NetworkSettings.Networks") or {}
    short = str(obj.get("Id", ""))[:12]
    return {name: _read_endpoint(entry or {}, short) for name, entry in networks.items()}


def _read_endpoint(entry: Mapping[str, Any], short: str) -> Endpoint:
    # Before API 1.45 the short id joins the aliases once the container is started.
    aliases = {a for a in entry.get("Aliases") or () if a != short}
    ipam = entry.get("IPAMConfig") or {}
    made: Endpoint = {"aliases": tuple(sorted(aliases))} if aliases else {}
    for key, name in (("ipv4_address", "IPv4Address"), ("ipv6_address", "IPv6Address")):
        if ipam.get(name):
            made[key] = ipam[name]
    return made


def _default_networks(context: Context) -> Dict[str, Endpoint]:
    mode = context.declared.get("network_mode")
    if fixed_mode(mode):
        return {}
    return {} if "networks" in context.declared else {mode or "bridge": {}}


def endpoint_body(endpoint: Endpoint) -> Dict[str, Any]:
    """Return the engine's EndpointSettings of one declared endpoint."""
    made: Dict[str, Any] = {}
    if endpoint.get("aliases"):
        made["Aliases"] = list(endpoint["aliases"])
    names = (("ipv4_address", "IPv4Address"), ("ipv6_address", "IPv6Address"))
    ipam = {name: endpoint[key] for key, name in names if endpoint.get(key)}
    if ipam:
        made["IPAMConfig"] = ipam
    return made


def _write_mode(body: Dict[str, Any], value: Any, context: Context) -> None:
    body.setdefault("HostConfig", {})["NetworkMode"] = value


def _write_networks(body: Dict[str, Any], value: Any, context: Context) -> None:
    """Put the networks into a create body: all of them from API 1.44, the first before that."""
    names = list(value) if context.api >= (1, 44) else list(value)[:1]
    if names:
        body.setdefault("HostConfig", {})["NetworkMode"] = names[0]
        endpoints = {name: endpoint_body(value[name]) for name in names}
        body["NetworkingConfig"] = {"EndpointsConfig": endpoints}


FIELDS = (
    FieldSpec(
        "network_mode",
        at="HostConfig.NetworkMode",
        option={"type": "str"},
        parse=_parse_mode,
        read=_read_mode,
        write=_write_mode,
    ),
    FieldSpec(
        "networks",
        at="NetworkSettings.Networks",
        option={"type": "raw"},
        compare="map",
        parse=_parse_networks,
        read=_read_networks,
        default=_default_networks,
        write=_write_networks,
        change="live",
        unset="live",
        live="connect",
    ),
)
