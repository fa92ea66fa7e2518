# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that every task about libvirt has: which one."""

from __future__ import annotations

import re
from typing import Any, Dict
from urllib.parse import SplitResult, urlsplit

from ..._desired.errors import InvalidOption

DEFAULT_URI = "qemu:///system"


def libvirt_options() -> Dict[str, Any]:
    """Return the argument spec of the connection; `pending` is the collection's own hand-over."""
    return {
        "uri": {"type": "str", "default": DEFAULT_URI},
        "pending": {"type": "dict", "default": {}},
    }


def check_uri(uri: str, session: bool = True) -> None:
    """Raise InvalidOption for a libvirt that a task cannot work with.

    Pools are folders of this host, and consoles, KVM, ARP and locks are this host's too. Without
    `session`, a user's own libvirt is none: its machines have neither.
    """
    parts = split_url(plain_text(uri, "uri"), "uri")
    if parts.netloc:
        raise InvalidOption(
            f"'{uri}' is a hypervisor elsewhere, but a task manages the one of its own host",
            option="uri",
            hint="run the task on that host, with delegate_to or as its own play",
        )
    if not session and parts.path == "/session":
        raise InvalidOption(
            f"'{uri}' is a user's own libvirt, whose machines have no network and no console log",
            option="uri",
            hint="use qemu:///system, with become: true or as a member of the group libvirt",
        )


def split_url(url: str, where: str) -> SplitResult:
    """Return the parts of an address; InvalidOption for one that has none, as http://[::1/."""
    try:
        return urlsplit(url)
    except ValueError as error:
        raise InvalidOption(f"is not a URL: {error}", option=where) from None


def plain_text(value: str, where: str) -> str:
    """Return a text that libvirt and the kernel can take: without NUL or any other control."""
    if not value.isprintable():
        shown = value.encode("unicode_escape").decode("ascii")
        raise InvalidOption(f"'{shown}' has characters that cannot be printed", option=where)
    return value


def plain_name(value: Any, where: str) -> str:
    """Return the name of a pool, a network or a volume; it is no path."""
    name = plain_text(str(value), where)
    if not name or "/" in name or name in (".", ".."):
        raise InvalidOption(f"'{name}' is not a name", option=where, hint="a name has no '/'")
    return name


def hypervisor_name(uri: str) -> str:
    """Return one text for a libvirt of this host: its socket is what a URI without a host means."""
    return re.sub(r"^([a-z]+)\+unix:///", r"\1:///", uri)
