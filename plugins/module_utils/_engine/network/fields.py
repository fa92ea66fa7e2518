# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The field table of networks. Canonical `ipam.config`: subnet → the rest of its entry.

A network's settings are fixed when it is made, so every change is a replacement. What the engine
fills in by itself (a subnet, a gateway, options from the daemon's settings) counts only where this
task or the record of the last one names it: `asked` in the record lists those keys.
"""

from __future__ import annotations

import ipaddress
from typing import Any, Dict, FrozenSet, List, Mapping, Tuple, Union

from ..._desired.errors import InvalidOption
from ..._desired.fields import Context, FieldSpec
from ..._desired.values import dig, show
from ..values.ip_addresses import plain_ip
from ..values.labels import plain_labels
from ..values.mappings import parse_labels, parse_map

OWNER_LABEL = "dockyard.fleet.network"
Subnet = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]

_KEYS = {"gateway": "Gateway", "ip_range": "IPRange", "aux_addresses": "AuxiliaryAddresses"}
_CONFIG: Dict[str, Any] = {
    "subnet": {"type": "str", "required": True},
    "gateway": {"type": "str"},
    "ip_range": {"type": "str"},
    "aux_addresses": {"type": "dict"},
}


def asked_keys(declared: Mapping[str, Any]) -> List[str]:
    """Return the keys that were asked for among those that an engine may fill in by itself."""
    keys = [f"driver_opts.{key}" for key in declared.get("driver_opts") or ()]
    keys += [f"ipam.options.{key}" for key in declared.get("ipam.options") or ()]
    for subnet, rest in (declared.get("ipam.config") or {}).items():
        keys += [subnet, *(f"{subnet}.{key}" for key in rest)]
    return keys


def _asked(context: Context) -> FrozenSet[str]:
    return frozenset([*asked_keys(context.declared), *context.record.get("asked", ())])


def parse_subnet(value: Any, where: str) -> Subnet:
    """Return a subnet; raise InvalidOption unless it is one, with no bits set behind its mask."""
    try:
        return ipaddress.ip_network(str(value))
    except ValueError as error:
        raise InvalidOption(str(error), option=where, hint="such as 10.20.0.0/24") from None


def _parse_config(value: Any, where: str) -> Dict[str, Dict[str, Any]]:
    result: Dict[str, Dict[str, Any]] = {}
    for number, entry in enumerate(value):
        here = f"{where}[{number}]"
        subnet = parse_subnet(entry["subnet"], f"{here}.subnet")
        for other in map(ipaddress.ip_network, result):
            if subnet.overlaps(other):
                raise InvalidOption(f"overlaps with {other}", option=f"{here}.subnet")
        result[str(subnet)] = _parse_rest(entry, subnet, here)
    return result


def _parse_rest(entry: Mapping[str, Any], subnet: Subnet, where: str) -> Dict[str, Any]:
    result: Dict[str, Any] = {}
    if entry.get("gateway"):
        result["gateway"] = _address_in(entry["gateway"], subnet, f"{where}.gateway")
    if entry.get("ip_range"):
        inner = parse_subnet(entry["ip_range"], f"{where}.ip_range")
        if inner.version != subnet.version or not _within(inner, subnet):
            raise InvalidOption(f"{inner} is not in {subnet}", option=f"{where}.ip_range")
        result["ip_range"] = str(inner)
    if entry.get("aux_addresses"):
        result["aux_addresses"] = {
            str(name): _address_in(item, subnet, f"{where}.aux_addresses.{name}")
            for name, item in entry["aux_addresses"].items()
        }
    return result


def _within(inner: Subnet, outer: Subnet) -> bool:
    return inner.network_address in outer and inner.broadcast_address in outer


def _address_in(value: Any, subnet: Subnet, where: str) -> str:
    try:
        address = ipaddress.ip_address(str(value))
    except ValueError:
        raise InvalidOption(f"'{value}' is not an address", option=where) from None
    if address not in subnet:
        raise InvalidOption(f"{address} is not in {subnet}", option=where)
    return str(address)


def _read_config(obj: Mapping[str, Any], context: Context) -> Dict[str, Dict[str, Any]]:
    asked = _asked(context)
    # Beside what was asked for of one family, the engine chooses a subnet of the other.
    families = {
        ":" in key for key in (*(context.declared.get("ipam.config") or ()), *asked) if "/" in key
    }
    result: Dict[str, Dict[str, Any]] = {}
    for entry in dig(obj, "IPAM.Config") or ():
        subnet = str(ipaddress.ip_network(entry["Subnet"], strict=False))
        if (":" in subnet) not in families:
            continue
        rest = {key: _plain(entry[at]) for key, at in _KEYS.items() if entry.get(at)}
        # One of a family that was asked for otherwise is compared whole: it takes another's place.
        keep = subnet not in asked
        result[subnet] = {k: v for k, v in rest.items() if keep or f"{subnet}.{k}" in asked}
    return result


def _plain(value: Any) -> Any:
    """Return an observed address, range or mapping of addresses as a declaration would be read."""
    if isinstance(value, Mapping):
        return {name: _plain(entry) for name, entry in value.items()}
    if value.startswith("("):  # the engine does not show it
        return value
    if "/" in value:
        return str(ipaddress.ip_network(value, strict=False))
    return plain_ip(value)


def _write_config(body: Dict[str, Any], value: Any, context: Context) -> None:
    entries = [
        {"Subnet": subnet, **{_KEYS[key]: item for key, item in rest.items()}}
        for subnet, rest in value.items()
    ]
    body.setdefault("IPAM", {})["Config"] = entries


def _read_options(obj: Mapping[str, Any], context: Context) -> Dict[str, str]:
    options = obj.get("Options") or {}
    if not context.record:
        return dict(options)
    # The daemon's default-network-opts appear here as well (Docker 24).
    asked = _asked(context)
    return {key: value for key, value in options.items() if f"driver_opts.{key}" in asked}


def _read_ipam_options(obj: Mapping[str, Any], context: Context) -> Dict[str, str]:
    return dict(dig(obj, "IPAM.Options") or {})


def _read_labels(obj: Mapping[str, Any], context: Context) -> Dict[str, str]:
    return plain_labels(obj.get("Labels"), context.declared.get("labels"))


def _flag(name: str, at: str, default: bool = False, **more: Any) -> FieldSpec:
    def read(obj: Mapping[str, Any], context: Context) -> bool:
        return bool(obj.get(at, default))

    return FieldSpec(name, at, {"type": "bool"}, read=read, default=lambda _: default, **more)


def _word(value: Any, where: str) -> str:
    text = str(value)
    if not text:
        raise InvalidOption("is empty", option=where, hint="leave it out for the default")
    return text


FIELDS: Tuple[FieldSpec, ...] = (
    FieldSpec(
        "driver",
        at="Driver",
        option={"type": "str"},
        parse=_word,
        default=lambda context: "bridge",
    ),
    FieldSpec(
        "driver_opts",
        at="Options",
        option={"type": "raw"},
        compare="map",
        parse=parse_map,
        read=_read_options,
    ),
    FieldSpec(
        "ipam.driver",
        at="IPAM.Driver",
        option={"type": "str"},
        parse=_word,
        default=lambda context: "default",
        only=("docker",),
    ),
    FieldSpec(
        "ipam.config",
        at="IPAM.Config",
        option={"type": "list", "elements": "dict", "options": _CONFIG},
        compare="map",
        parse=_parse_config,
        read=_read_config,
        write=_write_config,
        show=lambda rest: show(rest) if rest else "set",
    ),
    FieldSpec(
        "ipam.options",
        at="IPAM.Options",
        option={"type": "raw"},
        compare="map",
        parse=parse_map,
        read=_read_ipam_options,
        only=("docker",),
    ),
    _flag("internal", "Internal"),
    _flag("attachable", "Attachable", only=("docker",)),
    _flag("enable_ipv6", "EnableIPv6"),
    # Older engines have no networks without IPv4.
    _flag("enable_ipv4", "EnableIPv4", default=True, since=(1, 48), only=("docker",)),
    FieldSpec(
        "labels",
        at="Labels",
        option={"type": "raw"},
        compare="map",
        parse=parse_labels,
        read=_read_labels,
    ),
)
