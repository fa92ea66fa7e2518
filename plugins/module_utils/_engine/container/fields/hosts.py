# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names: resolvers, fixed addresses of hosts, and links to other containers."""

from __future__ import annotations

import re
from typing import Any, Dict, List, Mapping, Tuple

from ...._desired.errors import InvalidOption
from ...._desired.fields import Context, FieldSpec
from ...._desired.values import dig, put
from ...values.ip_addresses import parse_ip, plain_ip
from .common import NOT_PODMAN, parse_lone, parse_set, parse_words, words

_LINK = re.compile(r"/?[A-Za-z0-9][\w.-]+(:[\w.-]+)?", re.ASCII)
_HOST = re.compile(r"[\w.-]+")
_GATEWAY = "host-gateway"  # the engine's word for an address of the host


def _parse_resolvers(value: Any, where: str) -> Tuple[str, ...]:
    return tuple(parse_ip(entry, where) for entry in parse_lone(value, where))


def _read_resolvers(obj: Mapping[str, Any], context: Context) -> Tuple[str, ...]:
    return tuple(plain_ip(entry) for entry in dig(obj, "HostConfig.Dns") or ())


def _parse_hosts(value: Any, where: str) -> Dict[str, Tuple[str, ...]]:
    """Return host → addresses of a mapping or of a list of `HOST=ADDRESS` or `HOST:ADDRESS`."""
    hosts: Dict[str, List[str]] = {}
    for host, addresses, here in _host_entries(value, where):
        if not _HOST.fullmatch(host):
            raise InvalidOption(
                f"'{host}' is not the name of a host", option=here, hint="such as db=10.0.0.5"
            )
        for entry in parse_lone(addresses, here):
            address = entry if entry == _GATEWAY else parse_ip(entry, here)
            hosts.setdefault(host, []).append(address)
    return {host: tuple(sorted(set(addresses))) for host, addresses in hosts.items()}


def _host_entries(value: Any, where: str) -> List[Tuple[str, Any, str]]:
    if isinstance(value, Mapping):
        return [(str(host), address, f"{where}.{host}") for host, address in value.items()]
    result = []
    for position, entry in enumerate(parse_words(value, where)):
        here = f"{where}[{position}]"
        host, sign, address = entry.partition("=" if "=" in entry else ":")
        if not sign:
            raise InvalidOption(
                f"'{entry}' is not a host with its address", option=here, hint="such as db=10.0.0.5"
            )
        result.append((host, address, here))
    return result


def _read_hosts(obj: Mapping[str, Any], context: Context) -> Dict[str, Tuple[str, ...]]:
    hosts: Dict[str, List[str]] = {}
    for entry in dig(obj, "HostConfig.ExtraHosts") or ():
        host, _colon, address = str(entry).partition(":")
        hosts.setdefault(host, []).append(plain_ip(address))
    return {host: tuple(sorted(set(addresses))) for host, addresses in hosts.items()}


def _write_hosts(body: Dict[str, Any], value: Any, context: Context) -> None:
    pairs = [f"{host}:{address}" for host, addresses in value.items() for address in addresses]
    body.setdefault("HostConfig", {})["ExtraHosts"] = pairs


def _parse_links(value: Any, where: str) -> Tuple[str, ...]:
    links = set()
    for entry in parse_set(value, where):
        if not _LINK.fullmatch(entry):
            raise InvalidOption(
                f"'{entry}' does not name a container", option=where, hint="such as db:mysql"
            )
        name, _colon, alias = entry.lstrip("/").partition(":")
        links.add(f"{name}:{alias or name}")
    return tuple(sorted(links))


def _read_links(obj: Mapping[str, Any], context: Context) -> Tuple[str, ...]:
    # On the default bridge `/db:/web/alias`; in other networks as they were asked for.
    links = {
        f"{target.lstrip('/')}:{alias.rpartition('/')[2]}"
        for target, _colon, alias in (
            str(entry).partition(":") for entry in dig(obj, "HostConfig.Links") or ()
        )
    }
    for endpoint in (dig(obj, "NetworkSettings.Networks") or {}).values():
        links.update(_parse_links(list((endpoint or {}).get("Links") or ()), "links"))
    return tuple(sorted(links))


def _write_links(body: Dict[str, Any], value: Any, context: Context) -> None:
    host = body.setdefault("HostConfig", {})
    endpoints = dig(body, "NetworkingConfig.EndpointsConfig") or {}
    for name in [*endpoints] or [host.get("NetworkMode") or "bridge"]:
        if name == "bridge":
            host["Links"] = list(value)
        else:
            put(body, "NetworkingConfig.EndpointsConfig", endpoints)
            endpoints.setdefault(name, {})["Links"] = list(value)


_RAW = {"type": "raw"}

FIELDS = (
    FieldSpec(
        "dns",
        at="HostConfig.Dns",
        option=_RAW,
        compare="list",
        parse=_parse_resolvers,
        read=_read_resolvers,
    ),
    words("dns_opt", "HostConfig.DnsOptions"),
    FieldSpec(
        "dns_search", at="HostConfig.DnsSearch", option=_RAW, compare="list", parse=parse_lone
    ),
    FieldSpec(
        "extra_hosts",
        at="HostConfig.ExtraHosts",
        option=_RAW,
        compare="map",
        parse=_parse_hosts,
        read=_read_hosts,
        write=_write_hosts,
    ),
    words(
        "links",
        "HostConfig.Links",
        option={"type": "list", "elements": "str", "aliases": ["external_links"]},
        parse=_parse_links,
        read=_read_links,
        only=NOT_PODMAN,
        write=_write_links,
    ),
)
