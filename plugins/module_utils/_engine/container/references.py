# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container refers to. Loaded only for one that refers to something."""

from __future__ import annotations

from ..._desired.errors import InvalidOption
from .desired import Desired
from .observed import Observed


def require_references(desired: Desired, observed: Observed) -> None:
    """Raise InvalidOption for a named network or container that does not exist."""
    if "engine" in observed.unknown or desired.state == "absent":
        return  # what is to go needs nothing
    for name in desired.networks:
        if name not in observed.networks and name not in observed.unknown:
            option = "network_mode" if desired.declared.get("network_mode") == name else "networks"
            raise InvalidOption(
                f"the network {name} does not exist", option=option, hint="create it first"
            )
    for peer, option in desired.peers.items():
        if peer not in observed.peers and f"container {peer}" not in observed.unknown:
            raise InvalidOption(
                f"the container {peer} does not exist", option=option, hint="create it first"
            )
