# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks. Canonical: network name → endpoint, a dict without what is not set: aliases,
ipv4_address, ipv6_address, link_local_ips, driver_opts, gw_priority.

MAC addresses are a row of their own, since they cannot be changed live. `network_mode` is None for
a container on bridges: the default one or the networks it names, which change live. `host`, `none`
and `container:<id>` are fixed at creation.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterator, Mapping, Optional, Tuple

from ..._desired.errors import InvalidOption
from ..._desired.model import Context, FieldSpec
from ..._desired.owned import as_recorded
from ..._desired.spec import check_keys
from ..._desired.values import dig
from .common import parse_set, parse_strings, parse_text, parse_words

Endpoint = Dict[str, Any]

_IPS = {"ipv4_address": "IPv4Address", "ipv6_address": "IPv6Address"}
_LISTS = ("aliases", "link_local_ips")
_KEYS = (*_LISTS, *_IPS, "mac_address", "driver_opts", "interface_name", "gw_priority", "priority")
_INTERFACE = "com.docker.network.endpoint.ifname"
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
        made = {
            str(name): _endpoint(entry or {}, f"{where}.{name}") for name, entry in value.items()
        }
        # The first one is joined at creation; before API 1.44 only that one takes a MAC address.
        order = sorted(
            made, key=lambda n: (-made[n].pop("priority", 0), "mac_address" not in made[n])
        )
        return {name: made[name] for name in order}
    if isinstance(value, str):
        raise InvalidOption("takes a list or a mapping", option=where, hint=f"[{value}]")
    names = parse_words(value, where)
    if len(set(names)) < len(names):
        raise InvalidOption("names a network twice", option=where)
    return {name: {} for name in names}


def _endpoint(entry: Any, where: str) -> Endpoint:
    check_keys(entry, _KEYS, where)
    made: Endpoint = {}
    for key, parse in _PARSERS.items():
        if entry.get(key):
            made[key] = parse(entry[key], f"{where}.{key}")
    options = parse_strings(entry.get("driver_opts") or {}, f"{where}.driver_opts")
    if entry.get("interface_name"):
        options[_INTERFACE] = parse_text(entry["interface_name"], f"{where}.interface_name")
    return {**made, "driver_opts": options} if options else made


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
    found = {name: one.pop("mac_address") for name, one in networks.items() if "mac_address" in one}
    if "mac_address" in declared:
        first = next(iter(networks), None) or declared.get("network_mode") or "bridge"
        if found.get(first, declared["mac_address"]) != declared["mac_address"]:
            raise InvalidOption(f"networks.{first} says otherwise", option="mac_address")
        found[first] = declared["mac_address"]
    if found:
        declared["mac_address"] = found


def _address(value: Any, where: str) -> str:
    import ipaddress

    version = 6 if "ipv6" in where else 4
    try:
        kind = ipaddress.IPv6Address if version == 6 else ipaddress.IPv4Address
        return str(kind(str(value)))
    except ValueError:
        raise InvalidOption(f"'{value}' is not an IPv{version} address", option=where) from None


_PARSERS: Mapping[str, Callable[[Any, str], Any]] = {
    **dict.fromkeys(_LISTS, parse_set),
    **dict.fromkeys(_IPS, _address),
    "mac_address": parse_mac,
    "gw_priority": _whole,
    "priority": _whole,
}


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
    addresses = ipam.get("LinkLocalIPs") or ()
    made: Endpoint = {
        "aliases": tuple(sorted(aliases)),
        **{key: ipam.get(name) for key, name in _IPS.items()},
        "link_local_ips": tuple(sorted(addresses)),
        "driver_opts": entry.get("DriverOpts"),
        "gw_priority": entry.get("GwPriority"),
    }
    return {key: value for key, value in made.items() if value}


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
    ipam = {name: endpoint[key] for key, name in _IPS.items() if endpoint.get(key)}
    if endpoint.get("link_local_ips"):
        ipam["LinkLocalIPs"] = list(endpoint["link_local_ips"])
    if ipam:
        made["IPAMConfig"] = ipam
    for key, name in (("driver_opts", "DriverOpts"), ("gw_priority", "GwPriority")):
        if endpoint.get(key):
            made[name] = endpoint[key]
    return made


def _inner(value: Mapping[str, Endpoint]) -> Iterator[Tuple[str, Tuple[int, int]]]:
    for name, endpoint in value.items():
        if endpoint.get("gw_priority"):
            yield f".{name}.gw_priority", (1, 48)
        if _INTERFACE in (endpoint.get("driver_opts") or ()):
            yield f".{name}.interface_name", (1, 49)


def _first(obj: Mapping[str, Any]) -> str:
    mode = str(dig(obj, "HostConfig.NetworkMode") or "")
    return "bridge" if mode in _BRIDGE else mode


def _read_macs(obj: Mapping[str, Any], context: Context) -> Dict[str, str]:
    """Return the MAC addresses that were asked for: those of running containers are made up."""
    if context.api < (1, 44):
        asked = dig(obj, "Config.MacAddress")
        return {_first(obj): str(asked).lower()} if asked else {}
    networks = dig(obj, "NetworkSettings.Networks") or {}
    found = {
        name: str((one or {}).get("MacAddress") or "").lower() for name, one in networks.items()
    }
    declared = context.declared.get("mac_address") or {}
    changed = bool(context.record) and not as_recorded(context, "mac_address")
    return {name: mac for name, mac in found.items() if mac and (changed or name in declared)}


def _write_macs(body: Dict[str, Any], value: Any, context: Context) -> None:
    if context.api < (1, 44):
        body["MacAddress"] = next(iter(value.values()))
        return
    endpoints = body.setdefault("NetworkingConfig", {}).setdefault("EndpointsConfig", {})
    for name, mac in value.items():
        endpoints.setdefault(name, {})["MacAddress"] = mac


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
        inner=_inner,
    ),
    FieldSpec(
        "mac_address",
        at="Config.MacAddress",
        option={"type": "str"},
        compare="map",
        parse=parse_mac,
        read=_read_macs,
        write=_write_macs,
        inner=lambda value: [("", (1, 44))] if len(value) > 1 else (),
    ),
)
