# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The field table of a container: rows by subject, in the order in which plans name them."""

from __future__ import annotations

from . import health, limits, networks, ports, process, volumes

FIELDS = (
    *process.FIELDS,
    *health.FIELDS,
    *ports.FIELDS,
    *volumes.FIELDS,
    *networks.FIELDS,
    *limits.FIELDS,
)
