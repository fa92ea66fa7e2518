# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Podman's networks in Docker's terms (its compatible API, 5.4 and 5.8), loaded only for Podman.

It honours four driver options and drops the others with a success, renames one of them, shows
neither ranges nor an interface's name, and drops reserved addresses. Of an endpoint it shows what
it has, never what was asked for.
"""

from __future__ import annotations

import ipaddress
from typing import Any, Dict, Mapping

from ..._desired.errors import InvalidOption
from ..._desired.fields import Context
from ..._desired.ownership import as_recorded
from ..._desired.values import dig
from ..values.ip_addresses import reserved

Json = Dict[str, Any]
_MTU = "com.docker.network.driver.mtu"
_OPTIONS = (_MTU, "com.docker.network.bridge.name", "parent", "mode")
_LOST = "(not shown by Podman)"


def as_docker(network: Mapping[str, Any], context: Context) -> Json:
    """Return an inspected network as Docker would show it; `context` has what is declared."""
    config = [_subnet(entry, context) for entry in dig(network, "IPAM.Config") or ()]
    return {
        **network,
        "EnableIPv4": True,
        "Options": _options(network.get("Options") or {}, context),
        "IPAM": {"Driver": "default", "Options": {}, "Config": config},
    }


def check_declared(declared: Mapping[str, Any]) -> None:
    """Raise InvalidOption for parts of values that Podman would drop silently."""
    for key in declared.get("driver_opts") or ():
        if key not in _OPTIONS:
            raise InvalidOption(
                "podman does not support it",
                option=f"driver_opts.{key}",
                hint=f"it has {', '.join(_OPTIONS)}",
            )
    for number, rest in enumerate((declared.get("ipam.config") or {}).values()):
        if "aux_addresses" in rest:
            raise InvalidOption(
                "podman does not support it",
                option=f"ipam.config[{number}].aux_addresses",
                hint="declare an ip_range that leaves them out",
            )


def had(point: Mapping[str, Any]) -> Json:
    """Return what an endpoint has: it is asked for again, since one cannot see what was."""
    addresses = [str(point[key]) for key in ("IPAddress", "GlobalIPv6Address") if point.get(key)]
    mac = {"MacAddress": point["MacAddress"]} if point.get("MacAddress") else {}
    return {**mac, "had": addresses} if addresses else mac


def settings(wanted: Mapping[str, Any], network: Mapping[str, Any]) -> Json:
    """Return an endpoint's settings for a network as inspected; an address that it cannot give is
    chosen anew."""
    result = {key: value for key, value in wanted.items() if key != "had"}
    config = dig(network, "IPAM.Config") or ()
    spaces = [ipaddress.ip_network(str(entry["Subnet"]), strict=False) for entry in config]
    taken = {address for _what, address in reserved(network)}
    ipam = {
        "IPv6Address" if ":" in address else "IPv4Address": address
        for address in wanted.get("had", ())
        if address not in taken and any(ipaddress.ip_address(address) in entry for entry in spaces)
    }
    return {**result, "IPAMConfig": ipam} if ipam else result


def _options(shown: Mapping[str, str], context: Context) -> Dict[str, str]:
    result = {_MTU if key == "mtu" else key: value for key, value in shown.items()}
    start = "driver_opts."
    asked = [key[len(start) :] for key in context.record.get("asked", ()) if key.startswith(start)]
    declared = context.declared.get("driver_opts") or {}
    same = as_recorded(context, "driver_opts")
    hidden = {key: declared[key] if same else _LOST for key in asked if key not in result}
    return {**result, **hidden}


def _subnet(entry: Mapping[str, Any], context: Context) -> Json:
    result = dict(entry)
    subnet = str(ipaddress.ip_network(entry["Subnet"], strict=False))
    if f"{subnet}.ip_range" in context.record.get("asked", ()):
        declared = (context.declared.get("ipam.config") or {}).get(subnet, {})
        same = as_recorded(context, "ipam.config")
        result["IPRange"] = declared["ip_range"] if same else _LOST
    return result
