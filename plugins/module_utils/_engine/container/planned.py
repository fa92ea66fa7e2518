# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What earlier tasks of a check make of what is observed. Loaded in such a check only."""

from __future__ import annotations

from dataclasses import replace
from typing import Dict

from ..._desired.planned import Pending, will_go
from .desired import Desired
from .inspected import Inspect
from .observed import Observed


def with_planned(desired: Desired, observed: Observed, pending: Pending) -> Observed:
    """Return a snapshot without what will be gone by then, and with what nobody can know yet."""
    observed = replace(
        observed,
        nets={name: _net(entry, pending) for name, entry in observed.nets.items()},
        unknown=_unknown(desired, pending),
    )
    if will_go(pending, desired.address):
        observed = replace(observed, current=None)
    return observed


def _net(network: Inspect, pending: Pending) -> Inspect:
    """Return a network without the containers of which nobody knows where they will be."""
    containers = (network.get("Containers") or {}).items()
    stay = {
        key: entry for key, entry in containers if f"container/{entry.get('Name')}" not in pending
    }
    return {**network, "Containers": stay}


def _unknown(desired: Desired, pending: Pending) -> Dict[str, str]:
    found = {n: pending[f"network/{n}"].text for n in desired.networks if f"network/{n}" in pending}
    for name in desired.peers:
        if f"container/{name}" in pending:
            found[f"container {name}"] = pending[f"container/{name}"].text
    image = pending.get(f"image/{desired.reference}")
    if image is not None:
        found["image"] = image.text
    comes = desired.address in pending and not will_go(pending, desired.address)
    if comes and (desired.state == "absent" or not desired.reference):
        found["container"] = pending[desired.address].text
    return found


def unreachable(desired: Desired, pending: Pending) -> Observed:
    """Return the snapshot of an engine that an earlier task of this run would bring."""
    unknown = {**_unknown(desired, pending), "engine": pending["engine"].text}
    return Observed(api=(1, 99), unknown=unknown)
