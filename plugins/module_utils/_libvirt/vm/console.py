# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of readiness can be seen at a glance: a port that answers, what is on the console."""

from __future__ import annotations

import os
import re
import socket
from typing import Any, Mapping, Optional, Tuple

from ..._desired.terminal_text import visible
from .desired import Desired

# A whole line, so that its reason is whole.
_PANIC = re.compile(r"Kernel panic - not syncing: ?([^\r\n]*)[\r\n]")
# Bytes after which virtlogd begins another file by default (virtlogd.conf, max_size).
_CONSOLE_BYTES = 1 << 21
_SSH_PORT = 22


def shortfall(desired: Desired, address: str, record: Mapping[str, Any]) -> str:
    """Say which rung of `wait` above its address a running machine has not reached, "" if none.

    Where nothing tells whether cloud-init is done (the console is closed to this user, or its
    beginning is in an older file), it counts as done.
    """
    if not port_answers(address)[0]:
        return "SSH does not answer yet"
    if desired.wait != "cloud_init" or not os.access(console_path(desired.name), os.R_OK):
        return ""
    whole = not os.path.exists(f"{console_path(desired.name)}.0")
    return "cloud-init is not done yet" if whole and not is_done(desired.name, record) else ""


def is_done(name: str, record: Mapping[str, Any]) -> bool:
    """Tell whether cloud-init's last message has been on the console since the start."""
    from ..cloud_init.config import completion_line

    return completion_line(str(record.get("token"))) in console_text(name)


def port_answers(address: str) -> Tuple[bool, str]:
    """Tell whether SSH greets at an address, and what it says, without a login."""
    try:
        with socket.create_connection((address, _SSH_PORT), timeout=5) as sock:
            # An emulated guest takes seconds for it.
            sock.settimeout(20)
            banner = sock.recv(32).strip()
    except OSError as error:
        return False, f"port {_SSH_PORT} of {address}: {error.strerror or error}"
    return banner.startswith(b"SSH-"), visible(banner.decode("ascii", "replace"))


def panic_of(name: str) -> Optional[str]:
    """Return what a machine's kernel said when it panicked since the start, None if it did not."""
    match = _PANIC.search(console_text(name))
    return visible(match.group(1).strip()) if match else None


def is_hidden(name: str) -> bool:
    path = console_path(name)
    return os.path.exists(path) and not os.access(path, os.R_OK)


def console_text(name: str) -> str:
    """Return what the machine wrote to its console since it was started, "" if nothing."""
    try:
        with open(console_path(name), "rb") as log:
            log.seek(0, os.SEEK_END)
            log.seek(max(log.tell() - _CONSOLE_BYTES, 0))
            return log.read().decode("utf-8", "replace")
    except OSError:
        return ""


CONSOLES = "/var/log/libvirt/qemu"


def console_path(name: str) -> str:
    """Return the file on the hypervisor that holds a machine's console output."""
    return f"{CONSOLES}/{name}.console.log"
