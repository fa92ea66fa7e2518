# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one form of `extra_hosts`, of a service and of its build."""

from __future__ import annotations

from typing import Any, List, Mapping

from ...module_utils._desired.errors import InvalidOption
from .forms import text_or_texts, texts


def extra_hosts(value: Any, where: str) -> List[str]:
    """Return `HOST=ADDRESS` of a mapping or a list, with addresses without brackets."""
    result: List[str] = []
    if isinstance(value, Mapping):
        for host, given in value.items():
            here = f"{where}.{host}"
            result += [f"{host}={_bare(entry)}" for entry in text_or_texts(given, here)]
        return result
    for position, line in enumerate(texts(value, where)):
        host, sign, address = line.partition("=" if "=" in line else ":")
        if not sign or not host or not address:
            here = f"{where}[{position}]"
            hint = "such as db=10.0.0.5"
            raise InvalidOption("is not a host with its address", option=here, hint=hint)
        result.append(f"{host}={_bare(address)}")
    return result


def _bare(address: str) -> str:
    return address.strip().strip("[]")
