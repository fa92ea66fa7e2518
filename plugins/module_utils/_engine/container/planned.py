# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What earlier tasks of a check make of what is observed. Loaded in such a check only."""

from __future__ import annotations

from dataclasses import replace
from typing import Dict

from ..._desired.planned import Pending, address_now, will_be, will_go
from ..client.engine import Client
from .desired import LENT, Desired
from .inspected import Inspect
from .observed import Observed
from .reads import bases_of
from .target import find_then


def with_planned(
    client: Client, desired: Desired, observed: Observed, pending: Pending
) -> Observed:
    """Return a snapshot without what will be gone by then, and with what is not known yet."""
    stay = [name for name in desired.networks if not will_go(pending, f"network/{name}")]
    observed = replace(
        observed,
        networks={name: net for name, net in observed.networks.items() if name in stay},
        nets={name: _net(net, pending) for name, net in observed.nets.items() if name in stay},
        peers={
            name: peer
            for name, peer in observed.peers.items()
            if f"container/{name}" not in pending  # it may have another id by then
        },
        unknown=_unknown(desired, pending),
        lent=_lent(desired, pending),
    )
    if will_go(pending, f"image/{desired.reference}"):
        observed = replace(observed, image=None)
    if will_go(pending, desired.address):
        return replace(observed, current=None, fresh=None, old=None, apart=None)
    if address_now(pending, desired.address) == desired.address:
        return observed
    current = find_then(client, desired.name, pending)
    bases = {**observed.bases, **bases_of(client, (current,), observed.image)}
    return replace(observed, current=current, bases=bases)


def _net(network: Inspect, pending: Pending) -> Inspect:
    """Return a network without the containers of which it is unknown where they will be."""
    containers = (network.get("Containers") or {}).items()
    stay = {
        key: entry for key, entry in containers if f"container/{entry.get('Name')}" not in pending
    }
    return {**network, "Containers": stay}


def _lent(desired: Desired, pending: Pending) -> Dict[str, str]:
    """Return the options by which it uses what such a container has, each with the cause."""
    result: Dict[str, str] = {}
    for option in (*LENT, "volumes_from"):
        value = desired.declared.get(option) or ()
        texts = (value.partition("container:")[2],) if isinstance(value, str) else value
        for name in (text.partition(":")[0] for text in texts):
            cause = will_be(pending, f"container/{name}")
            if cause:
                result[option] = f"container {name}: {cause}"
    return result


def _unknown(desired: Desired, pending: Pending) -> Dict[str, str]:
    addresses = {name: f"network/{name}" for name in desired.networks}
    addresses.update((f"container {name}", f"container/{name}") for name in desired.peers)
    addresses["image"] = f"image/{desired.reference}"
    if desired.state == "absent" or not desired.reference:
        addresses["container"] = desired.address
    causes = {what: will_be(pending, address) for what, address in addresses.items()}
    return {what: cause for what, cause in causes.items() if cause}


def unreachable(desired: Desired, pending: Pending) -> Observed:
    """Return the snapshot of an engine that an earlier task of this run would bring."""
    unknown = {**_unknown(desired, pending), "engine": pending["engine"].text}
    return Observed(api=(1, 99), unknown=unknown)
