# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is there: one snapshot of a network, its replacement's notes, and who is connected.

A network can be neither renamed nor labelled later, and its name is free only once it is gone. So
a replacement begins by writing a note: a configuration-only network (Engine API 1.30; it has no
driver and takes no addresses, and nothing can be connected to it) whose label holds the endpoints
and the create body of the network that goes. While there is a note, the next run puts back what
is missing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, FrozenSet, List, Mapping, Optional, Set, Tuple

from ..._desired import ownership
from ..._desired.planned import Pending, address_then, will_be, will_change, will_go
from ..._desired.values import dig
from ..client.engine import Client
from ..client.errors import EngineError
from ..values.labels import from_compose
from .desired import Desired
from .endpoint import on_paper
from .fields import OWNER_LABEL

Inspect = Mapping[str, Any]
NOTE_LABEL = "dockyard.fleet.network.note"


@dataclass(frozen=True)
class Observed:
    """One look at the engine. Networks are what its list answers, containers its inspect.

    `current` has the network's name, `twins` are further ones of that name; `notes` are those
    that interrupted replacements left; `others` are all other networks. `users` are the
    containers with an endpoint in the network, and `missing` those that a note names and that
    have none; they are looked up only if there is something to do. `unsure` are the ids of those
    that an earlier task of this check changes, so that it is unknown where they will be; `comes`:
    one makes or changes the network itself.
    """

    current: Optional[Inspect] = None
    twins: Tuple[Inspect, ...] = ()
    notes: Tuple[Inspect, ...] = ()
    others: Tuple[Inspect, ...] = ()
    users: Tuple[Inspect, ...] = ()
    missing: Tuple[Inspect, ...] = ()
    unsure: FrozenSet[str] = frozenset()
    api: Tuple[int, int] = (0, 0)
    kind: str = ""
    unknown: Mapping[str, str] = field(default_factory=dict)
    comes: bool = False


def record_of(network: Optional[Inspect], name: str) -> Dict[str, Any]:
    """Return the ownership record of a network, {} when it is not ours."""
    labels = (network or {}).get("Labels") or {}
    return ownership.read(labels.get(OWNER_LABEL), f"network/{name}")


def is_foreign(network: Inspect, name: str) -> bool:
    """Tell whether neither we nor Compose made a network."""
    return not record_of(network, name) and not from_compose(network.get("Labels"))


def note_name(network: Inspect) -> str:
    """Return the name of the note for the replacement of a network."""
    return f"{network['Name']}.old-{network['Id'][:12]}"


def note_of(network: Inspect) -> Dict[str, Any]:
    """Return what a note says: `address`, `id` and `body` of the old network, `endpoints` by
    container id; {} if it is none. Any network may be given the label: a note has its name, too.
    """
    note = ownership.parse((network.get("Labels") or {}).get(NOTE_LABEL))
    body, points, old = note.get("body"), note.get("endpoints"), str(note.get("id"))
    if not isinstance(body, dict) or not isinstance(points, dict):
        return {}
    fits = f"network/{body.get('Name')}" == note.get("address")
    sound = fits and all(isinstance(point, dict) for point in points.values())
    named = network["Name"] == note_name({"Name": body.get("Name"), "Id": old})
    return note if sound and named else {}


def observe(client: Optional[Client], desired: Desired, pending: Pending) -> Observed:
    """Take a snapshot with one read: twins are seen in the list alone, and ids never guessed."""
    if client is None:
        return Observed(api=(1, 99), unknown={"engine": pending["engine"].text})
    named: List[Inspect] = []
    notes: List[Inspect] = []
    others: List[Inspect] = []
    # The engine lists them in any order.
    for network in sorted(client.get("/networks") or (), key=lambda entry: str(entry["Id"])):
        if network["Name"] == desired.name:
            named += [] if will_go(pending, desired.address) else [network]
        elif note_of(network).get("address") == desired.address:
            notes.append(network)
        else:
            others.append(network)
    unknown = {"network": pending[desired.address].text} if desired.address in pending else {}
    return Observed(
        current=named[0] if named else None,
        twins=tuple(named[1:]),
        notes=tuple(notes),
        others=tuple(others),
        api=client.api,
        kind=client.kind,
        unknown=unknown,
        comes=bool(will_be(pending, desired.address)),
    )


def with_users(client: Client, observed: Observed, pending: Pending) -> Observed:
    """Add the containers that are or were connected, stopped ones too, but for those that an
    earlier task of this check removes."""
    from dataclasses import replace

    noted = {key for note in observed.notes for key in note_of(note)["endpoints"]}
    listed = client.get("/containers/json", {"all": True}) or ()
    asked = [
        f"/containers/{entry['Id']}/json"
        for entry in listed
        if entry["Id"] in noted or _connected(entry, observed)
    ]
    seen: List[Inspect] = []
    unsure: Set[str] = set()
    for answer in client.get_all([(path, None) for path in asked]):
        if not isinstance(answer, EngineError):
            address = f"container{answer['Name']}"
            then = address_then(pending, address)
            if will_change(pending, address):
                unsure.add(str(answer["Id"]))
            if then:
                seen.append({**answer, "Name": f"/{then.partition('/')[2]}"})
        elif answer.status != 404:
            raise answer
    seen.sort(key=lambda entry: str(entry["Name"]))
    users = tuple(entry for entry in seen if _connected(entry, observed))
    missing = tuple(entry for entry in seen if entry not in users)
    return replace(observed, users=users, missing=missing, unsure=frozenset(unsure))


def _connected(container: Inspect, observed: Observed) -> bool:
    """Tell whether a container, listed or inspected, has an endpoint in the network.

    One that was never started knows only the network's name, and one that could not be connected
    has its wish on paper.
    """
    network = observed.current
    if network is None:
        return False
    points = dig(container, "NetworkSettings.Networks") or {}
    return any(
        (point or {}).get("NetworkID") == network["Id"]
        or (
            name == network["Name"]
            and not (point or {}).get("NetworkID")
            and not on_paper(container, point or {}, observed.kind)
        )
        for name, point in points.items()
    )


def endpoints(observed: Observed) -> Dict[str, Dict[str, Any]]:
    """Return the settings of all endpoints, those of the notes too, by container id."""
    from .endpoint_settings import asked_of

    result: Dict[str, Dict[str, Any]] = {}
    for note in observed.notes:
        result.update(note_of(note)["endpoints"])
    network = observed.current or {}
    for container in observed.users:
        points = dig(container, "NetworkSettings.Networks") or {}
        point = points.get(network["Name"]) or {}
        result[str(container["Id"])] = asked_of(point, str(container["Id"]), observed.kind)
    return result
