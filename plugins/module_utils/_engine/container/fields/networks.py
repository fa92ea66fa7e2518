# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks. Canonical: network name → endpoint, a dict without what is not set: aliases,
ipv4_address, ipv6_address, link_local_ips, driver_opts, gw_priority; `state` is only observed, of
an endpoint that is not connected.

MAC addresses are a row of their own, since they cannot be changed live. `network_mode` is None for
a container on bridges: the default one or the networks it names, which change live. `host`, `none`
and `container:<id>` are fixed at creation.
"""

from __future__ import annotations

from typing import Any, Dict, Iterator, Mapping, Optional, Tuple

from ...._desired.errors import InvalidOption
from ...._desired.fields import Context, FieldSpec
from ...._desired.ownership import as_recorded
from ...._desired.values import Unknown, dig
from ...network.endpoint import INTERFACE, IPS, Endpoint, on_paper
from ...values.strings import parse_text

# What an endpoint has beside its settings that a running container is not connected by.
PAPER = {"state": "not connected"}
_BRIDGE = ("bridge", "default")
# Podman's, for users who are not root, may have options after a colon.
PODMANS = ("pasta", "slirp4netns")
_MODES = ("host", "none", *PODMANS)


def fixed_mode(mode: Any) -> Optional[str]:
    """Return a network mode that is fixed at creation, or None for bridges and networks.

    One that is not known yet is that of a container which an earlier task makes.
    """
    kind = "container" if isinstance(mode, Unknown) else (mode or "").partition(":")[0]
    return mode if mode in _MODES or (kind in ("container", *PODMANS) and mode != kind) else None


def _parse_mode(value: Any, where: str) -> str:
    mode = parse_text(value, where)
    if mode.startswith("service:"):
        raise InvalidOption(
            "service: refers to a service of a stack", option=where, hint="use container:NAME"
        )
    return "bridge" if mode in _BRIDGE else mode


def _read_mode(obj: Mapping[str, Any], context: Context) -> Optional[str]:
    # A mode that names a bridge is no other than another bridge's: `networks` has the joining.
    asked = context.declared.get("network_mode")
    fixed = fixed_mode(dig(obj, "HostConfig.NetworkMode"))
    return fixed or (None if fixed_mode(asked) else asked)


def _read_networks(obj: Mapping[str, Any], context: Context) -> Dict[str, Endpoint]:
    if fixed_mode(dig(obj, "HostConfig.NetworkMode")):
        return {}
    networks = dig(obj, "NetworkSettings.Networks") or {}
    short = str(obj.get("Id", ""))[:12]
    endpoints = {name: _read_endpoint(entry or {}, short) for name, entry in networks.items()}
    paper = [name for name, item in networks.items() if on_paper(obj, item or {}, context.kind)]
    return {**endpoints, **{name: {**endpoints[name], **PAPER} for name in paper}}


def _read_endpoint(entry: Mapping[str, Any], short: str) -> Endpoint:
    # Before API 1.45 the short id joins the aliases once the container is started.
    aliases = {a for a in entry.get("Aliases") or () if a != short}
    ipam = entry.get("IPAMConfig") or {}
    addresses = ipam.get("LinkLocalIPs") or ()
    result: Endpoint = {
        "aliases": tuple(sorted(aliases)),
        **{key: _plain(ipam[name]) for key, name in IPS.items() if ipam.get(name)},
        "link_local_ips": tuple(sorted(map(_plain, addresses))),
        "driver_opts": entry.get("DriverOpts"),
        "gw_priority": entry.get("GwPriority"),
    }
    return {key: value for key, value in result.items() if value}


def _plain(address: str) -> str:
    from ...values.ip_addresses import plain_ip

    return plain_ip(address)


def _default_networks(context: Context) -> Dict[str, Endpoint]:
    mode = context.declared.get("network_mode")
    if fixed_mode(mode):
        return {}
    return {} if "networks" in context.declared else {mode or "bridge": {}}


def _inner(value: Mapping[str, Endpoint]) -> Iterator[Tuple[str, Tuple[int, int]]]:
    for name, endpoint in value.items():
        if endpoint.get("gw_priority"):
            yield f".{name}.gw_priority", (1, 48)
        if INTERFACE in (endpoint.get("driver_opts") or ()):
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
    macs = {
        name: str((entry or {}).get("MacAddress") or "").lower() for name, entry in networks.items()
    }
    declared = context.declared.get("mac_address") or {}
    changed = bool(context.record) and not as_recorded(context, "mac_address")
    return {name: mac for name, mac in macs.items() if mac and (changed or name in declared)}


def _write_mode(body: Dict[str, Any], value: Any, context: Context) -> None:
    body.setdefault("HostConfig", {})["NetworkMode"] = value


def _parse_networks(value: Any, where: str) -> Optional[Dict[str, Endpoint]]:
    from .endpoints import parse_networks

    return parse_networks(value, where)


def _parse_mac(value: Any, where: str) -> Optional[str]:
    from .endpoints import parse_mac

    return parse_mac(value, where) if value else None


def _write_networks(body: Dict[str, Any], value: Any, context: Context) -> None:
    from .endpoints import write_networks

    write_networks(body, value, context)


def _write_macs(body: Dict[str, Any], value: Any, context: Context) -> None:
    from .endpoints import write_macs

    write_macs(body, value, context)


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
        parse=_parse_mac,
        read=_read_macs,
        write=_write_macs,
        inner=lambda value: [("", (1, 44))] if len(value) > 1 else (),
    ),
)
