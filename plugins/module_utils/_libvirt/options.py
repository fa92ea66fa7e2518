# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that every task about libvirt has: which one."""

from __future__ import annotations

import re
from typing import Any, Dict

DEFAULT_URI = "qemu:///system"


def libvirt_options() -> Dict[str, Any]:
    """Return the argument spec of the connection; `pending` is the collection's own hand-over."""
    return {
        "uri": {"type": "str", "default": DEFAULT_URI},
        "pending": {"type": "dict", "default": {}},
    }


def hypervisor_name(uri: str) -> str:
    """Return one text for a libvirt of this host: its socket is what a URI without a host means."""
    return re.sub(r"^([a-z]+)\+unix:///", r"\1:///", uri)
