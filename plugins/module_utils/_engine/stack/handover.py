# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Host ports and fixed addresses that move from one container of a stack to another.

An engine gives either to one running container at a time. So who gives it up comes first, and is
up again before the other begins: whichever fails then, what it was before can come back. Where both
would have to wait for each other, nothing is done.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Dict, FrozenSet, Iterator, List, Mapping, Sequence, Set, Tuple

from ..._desired.errors import Faults, InvalidOption
from ..container.checks import published
from ..network.endpoint import IPS
from ..values.ip_addresses import meet, plain_ip
from .container import ServiceDesired as Container
from .order import Services, dependencies

# A port is (its address on the host or "", its number, protocol), an address (network, it).
Ports = FrozenSet[Tuple[str, str, str]]
Addresses = FrozenSet[Tuple[str, str]]


@dataclass(frozen=True)
class Claims:
    """What a container has that no other can have at the same time."""

    ports: Ports = frozenset()
    addresses: Addresses = frozenset()


@dataclass(frozen=True)
class Handover:
    """`what` moves from the container `giver` to `taker`; `option` is where that is declared."""

    taker: str
    giver: str
    what: str
    option: str


def claims_of(entry: Mapping[str, Any]) -> Claims:
    """Return what a listed container has, nothing if it stands still."""
    if entry.get("State") not in ("running", "paused", "restarting"):
        return Claims()
    points = ((entry.get("NetworkSettings") or {}).get("Networks") or {}).items()
    addresses = {
        (network, plain_ip((point.get("IPAMConfig") or {}).get(key)))
        for network, point in points
        for key in IPS.values()
        if point and (point.get("IPAMConfig") or {}).get(key)
    }
    return Claims(frozenset(port for port, _name in published(entry)), frozenset(addresses))


def wanted_by(container: Container) -> Iterator[Tuple[str, str, Any]]:
    """Yield (key path, what it is in words, as in Claims) of what a container declares."""
    for port, bindings in (container.declared.get("ports") or {}).items():
        protocol = port.partition("/")[2]
        for ip, host in bindings:
            if host:
                yield "ports", f"host port {host}/{protocol}", (ip, host, protocol)
    for network, point in (container.declared.get("networks") or {}).items():
        for key in IPS:
            if point.get(key):
                where = f"networks.{network}.{key}"
                yield where, f"address {point[key]}", (network, plain_ip(point[key]))


def _has(claims: Claims, item: Any) -> bool:
    if len(item) == 2:
        return item in claims.addresses
    return any(item[1:] == port[1:] and meet(item[0], port[0]) for port in claims.ports)


def handovers(
    containers: Sequence[Container], claims: Mapping[str, Claims], going: Sequence[str]
) -> List[Handover]:
    """Return what moves between containers; `claims` are what those that run have, by name, and
    `going` the names of those that are removed."""
    declared = {container.name: _declared_claims(container) for container in containers}
    after = {**declared, **dict.fromkeys(going, Claims())}
    return [
        Handover(container.name, giver, what, f"services.{container.service}.{option}")
        for container in containers
        for option, what, item in wanted_by(container)
        for giver, has in claims.items()
        if giver != container.name and giver in after
        if _has(has, item) and not _has(after[giver], item)
    ]


def _declared_claims(container: Container) -> Claims:
    items = [item for _option, _what, item in wanted_by(container)]
    ports = frozenset(item for item in items if len(item) == 3)
    return Claims(ports, frozenset(item for item in items if len(item) == 2))


def in_turn(
    services: Services, moves: Sequence[Handover], containers: Sequence[Container]
) -> Dict[str, Dict[str, Any]]:
    """Return the services, those that take something depending on those that give it up.

    Raise InvalidOption for all that would have to wait for each other.
    """
    service_of = {container.name: container.service for container in containers}
    more: Dict[str, Set[str]] = {}
    for move in moves:
        giver = service_of.get(move.giver)
        if giver is not None and giver != service_of[move.taker]:
            more.setdefault(service_of[move.taker], set()).add(giver)
    needs = {name: {*dependencies(entry), *more.get(name, ())} for name, entry in services.items()}
    faults = Faults()
    for move in moves:
        taker, giver = service_of[move.taker], service_of.get(move.giver)
        with faults:
            if giver is not None and giver != taker and taker in _below(needs, giver):
                text = f"{move.what} comes from {giver}, which has to wait for {taker} itself"
                hint = f"take it from {giver} first, in a run of its own"
                raise InvalidOption(text, option=move.option, hint=hint)
    faults.tell()
    return {
        name: {
            **entry,
            "depends_on": {
                **dict.fromkeys(sorted(more.get(name, ()))),
                **(entry.get("depends_on") or {}),
            },
        }
        for name, entry in services.items()
    }


def _below(needs: Mapping[str, Set[str]], service: str) -> Set[str]:
    """Return the services that one waits for, whatever lies between."""
    result: Set[str] = set()
    left = [service]
    while left:
        fresh = needs.get(left.pop(), set()) - result
        result |= fresh
        left += sorted(fresh)
    return result


def with_turns(containers: Sequence[Container], moves: Sequence[Handover]) -> List[Container]:
    """Return containers with the addresses of those that have to be done before them."""
    result = []
    for container in containers:
        givers = {f"container/{move.giver}" for move in moves if move.taker == container.name}
        result.append(replace(container, turns=tuple(sorted(givers))) if givers else container)
    return result
