# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of the Internet in one spelling, in which `0:0:0:0:0:0:0:1` and `::1` are the same."""

from __future__ import annotations

import ipaddress
from typing import Any, Optional, Union

from .._desired.errors import InvalidOption


def _read(text: Any) -> Optional[Union[ipaddress.IPv4Address, ipaddress.IPv6Address]]:
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
    found = _read(value)
    if found is None or version not in (0, found.version):
        what = f"an IPv{version} address" if version else "an address"
        hint = "such as fd00::5" if version == 6 else "such as 10.0.0.53"
        raise InvalidOption(f"'{value}' is not {what}", option=where, hint=hint)
    return str(found)


def meet(one: str, other: str) -> bool:
    """Tell whether ports at two addresses of a host meet; "" is every address of both versions."""
    for ip, another in ((one, other), (other, one)):
        is_six = ":" in another
        if not ip or ip == another or (ip == "::" and is_six) or (ip == "0.0.0.0" and not is_six):
            return True
    return False
