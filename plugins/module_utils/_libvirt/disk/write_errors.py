# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks that QEMU could not write to."""

from __future__ import annotations

from typing import Any

from ..client.hypervisor import Hypervisor


def disk_trouble(host: Hypervisor, domain: Any) -> str:
    """Say in words which disks QEMU could not write to."""
    full = host.lib.VIR_DOMAIN_DISK_ERROR_NO_SPACE
    errors = host.call("diskErrors", 0, on=domain)
    output = {
        disk: "no space is left in the pool of" if error == full else "an error of"
        for disk, error in sorted(errors.items())
    }
    return ", ".join(f"{what} its disk {disk}" for disk, what in output.items())
