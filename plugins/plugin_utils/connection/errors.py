# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a container cannot be reached."""

from __future__ import annotations

from ...module_utils._desired.errors import FleetError


class Unreachable(FleetError):
    """There is no running container to be reached."""
