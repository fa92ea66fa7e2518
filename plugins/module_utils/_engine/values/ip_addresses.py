# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of the Internet in one spelling, in which `0:0:0:0:0:0:0:1` and `::1` are the same."""

from __future__ import annotations

import ipaddress
from typing import Any, Iterator, Mapping, Optional, Tuple, Union

from ..._desired.errors import InvalidOption

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]


def _read(text: Any) -> Optional[Address]:
    try:
        return ipaddress.ip_address(str(text).strip("[]"))
    except ValueError:
        return None


def plain_ip(text: Any) -> str:
    """Return an address in its short spelling; what is none stays as it is."""
    return str(_read(text) or text)


def parse_ip(value: Any, where: str, version: int = 0) -> str:
    """Return an address in its short spelling; raise InvalidOption unless it is one.

    With a `version`, only that of the Internet Protocol will do.
    """
    address = _read(value)
    if address is None or version not in (0, address.version):
        what = f"an IPv{version} address" if version else "an address"
        hint = "such as fd00::5" if version == 6 else "such as 10.0.0.53"
        raise InvalidOption(f"'{value}' is not {what}", option=where, hint=hint)
    return str(address)


def meet(entry: str, other: str) -> bool:
    """Tell whether ports at two addresses of a host meet; "" is every address of both versions."""
    for ip, another in ((entry, other), (other, entry)):
        is_six = ":" in another
        if not ip or ip == another or (ip == "::" and is_six) or (ip == "0.0.0.0" and not is_six):
            return True
    return False


def reserved(network: Mapping[str, Any]) -> Iterator[Tuple[str, str]]:
    """Yield (what it is, address) of a network's addresses that no container can have.

    `network` is as an engine's inspect has it, or a create body. Who names no gateway to Docker
    gets the first address of the subnet, which is shown nowhere; other drivers have their own ways.
    """
    options = network.get("Options") or {}
    usual = network.get("Driver") == "bridge" and not network.get("Internal")
    usual = usual and not any("gateway_mode" in key or "inhibit" in key for key in options)
    for entry in (network.get("IPAM") or {}).get("Config") or ():
        if entry.get("Gateway"):
            yield "the gateway", plain_ip(str(entry["Gateway"]).partition("/")[0])
        elif usual and not entry.get("IPRange") and entry.get("Subnet"):
            subnet = ipaddress.ip_network(str(entry["Subnet"]), strict=False)
            yield "the gateway", str(subnet.network_address + 1)
        for name, address in (entry.get("AuxiliaryAddresses") or {}).items():
            yield f"reserved for {name}", plain_ip(address)
