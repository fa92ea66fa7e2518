# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is there: one snapshot of a container, its leftovers, its image and what it refers to."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Dict, FrozenSet, Iterable, List, Mapping, Optional, Tuple

from ..._desired import ownership
from ..._desired.errors import FleetError, InvalidOption
from ..._desired.planned import will_go
from ..._desired.values import dig
from ..client.engine import Client, Query
from ..client.errors import EngineError
from ..client.names import absent, meant
from ..values.labels import from_compose, own_labels
from .desired import Wish
from .fields.process import OWNER_LABEL

if TYPE_CHECKING:
    from .dependents import Dependent

# How often to look until nobody renames what is looked at meanwhile.
_LOOKS = 5
Inspect = Mapping[str, Any]
Request = Tuple[str, Optional[Query]]
Bases = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, repr=False, eq=False)
class Found:
    """One look at the engine. Containers and images are what its inspect answers.

    `current` has the container's name; `fresh` is a replacement under its temporary name; `old`
    was set aside by a replacement; `apart` is called so too, but nothing says that it is ours, or
    that we did it. `image` is the wanted one, None if it is not on the engine;
    `bases` maps image ids to the configurations of the containers' images. `networks`
    and `peers` map the names that the task refers to, to ids, `nets` networks to their inspect,
    without the containers that an earlier task of this run changes; `others` are all containers as
    listed, looked at only if one is to be created; `dependents` use
    the namespaces of one that is to be replaced, `next_dependents` those of the current one while
    its own replacement is unfinished. `unknown` maps "engine", "image", network names and
    "container NAME" (its own without a name) to what an earlier task of this run would do to them.
    `hidden` are the environment keys that the task declares secret, `new_volumes` named volumes
    that are not there, and would be made with a container.
    """

    current: Optional[Inspect] = None
    fresh: Optional[Inspect] = None
    old: Optional[Inspect] = None
    apart: Optional[Inspect] = None
    image: Optional[Inspect] = None
    bases: Bases = field(default_factory=dict)
    remote: Any = None
    networks: Mapping[str, str] = field(default_factory=dict)
    peers: Mapping[str, str] = field(default_factory=dict)
    nets: Mapping[str, Inspect] = field(default_factory=dict)
    others: Tuple[Mapping[str, Any], ...] = ()
    dependents: Tuple[Dependent, ...] = ()
    next_dependents: Tuple[Dependent, ...] = ()
    api: Tuple[int, int] = (0, 0)
    kind: str = ""
    unknown: Mapping[str, str] = field(default_factory=dict)
    hidden: FrozenSet[str] = frozenset()
    new_volumes: Tuple[str, ...] = ()
    settled: bool = False

    @property
    def base(self) -> Optional[Mapping[str, Any]]:
        """The configuration of the current container's image, None if that is gone."""
        return self.bases.get(str(dig(self.current, "Image")))


def own_labels_of(container: Optional[Inspect], base: Optional[Mapping[str, Any]]) -> Any:
    """Return an inspected container's own labels; `base` is its image's configuration."""
    labels, image = dig(container, "Config.Labels"), str(dig(container, "Image") or "")
    return own_labels(labels, image, base)


def record_of(
    container: Optional[Inspect], base: Optional[Mapping[str, Any]], names: Iterable[str]
) -> Dict[str, Any]:
    """Return the ownership record of a container, {} when it is not ours by any of its names."""
    label = own_labels_of(container, base).get(OWNER_LABEL)
    return ownership.read(label, *(f"container/{name}" for name in names))


def secrets_on_record(container: Inspect) -> Tuple[str, ...]:
    """Return the environment keys that a container's record calls secret, whosever it is."""
    record = ownership.parse((dig(container, "Config.Labels") or {}).get(OWNER_LABEL))
    return tuple(record.get("secret", ()))


def is_foreign(
    container: Inspect, base: Optional[Mapping[str, Any]], record: Mapping[str, Any]
) -> bool:
    """Tell whether it is not known that we or Compose made a container."""
    return not record and not from_compose(own_labels_of(container, base))


def bare_name(container: Inspect) -> str:
    """Return a container's name without the engine's leading slash."""
    return str(container["Name"]).lstrip("/")


def runs(container: Inspect) -> bool:
    """Tell whether a container is running, paused or between restarts."""
    return bool(dig(container, "State.Running") or dig(container, "State.Restarting"))


def temporary_name(container_id: str, name: str) -> str:
    """Return the name of a replacement before it takes over (Compose's scheme)."""
    return f"{container_id[:12]}_{name}"


def aside_name(container_id: str, name: str) -> str:
    """Return the name of a container that its replacement has pushed aside."""
    return f"{name}.old-{container_id[:12]}"


def observe(client: Client, wish: Wish, pending: Mapping[str, str], settled: bool) -> Found:
    """Take a snapshot with reads only, pipelined: one round trip when nothing is to be done.

    Another run may rename between two reads what this one looks at: then it looks again.
    """
    for _attempt in range(_LOOKS):
        found = _look(client, wish, pending, settled)
        ids = [one["Id"] for one in (found.current, found.fresh, found.old) if one is not None]
        renamed = found.fresh is not None and bare_name(found.fresh) in wish.names
        if not renamed and len(ids) == len(set(ids)):
            return found
    raise FleetError(
        "another run, or somebody else, is replacing it at this moment",
        address=wish.address,
        hint="run again when that has ended",
    )


def _look(client: Client, wish: Wish, pending: Mapping[str, str], settled: bool) -> Found:
    name = re.escape(wish.name)
    leftovers = f"^/?([0-9a-f]{{12}}_{name}|{name}\\.old-[0-9a-f]{{12}})$"
    requests: Dict[str, Request] = {
        f"current {wish.name}": (f"/containers/{wish.name}/json", None),
        "leftovers": ("/containers/json", {"all": True, "filters": {"name": [leftovers]}}),
    }
    if wish.reference:
        requests["image"] = (f"/images/{wish.reference}/json", None)
    for network in wish.networks:
        requests[f"network {network}"] = (f"/networks/{network}", None)
    for peer in wish.peers:
        requests[f"peer {peer}"] = (f"/containers/{peer}/json", None)
    got = _ask(client, requests)
    current, image = got[f"current {wish.name}"], got.get("image")
    if will_go(pending, wish.address):
        current = None
    found = Found(
        current=current,
        image=image,
        bases=bases_of(client, (current,), image),
        remote=_remote(client, wish, image, settled),
        networks=_ids("network", wish.networks, got),
        peers=_ids("peer", wish.peers, got),
        nets={n: _net(one, pending) for n, one in _seen("network", wish.networks, got)},
        api=client.api,
        kind=client.kind,
        unknown=_unknown(wish, pending),
        hidden=frozenset(wish.declared.get("secret_environment") or ()),
        settled=settled,
    )
    if got["leftovers"]:
        from .leftovers import with_left

        found = with_left(client, wish, found, got["leftovers"])
    if not wish.moved_from:
        return found
    from .rename import look

    return look(client, wish, found)


def _seen(word: str, names: Iterable[str], got: Mapping[str, Any]) -> List[Tuple[str, Any]]:
    """Return what is there of some names, each with its name."""
    found = ((name, got[f"{word} {name}"]) for name in names)
    return [(name, one) for name, one in found if one is not None]


def _ids(word: str, names: Iterable[str], got: Mapping[str, Any]) -> Dict[str, str]:
    return {name: str(one["Id"]) for name, one in _seen(word, names, got)}


def _net(network: Inspect, pending: Mapping[str, str]) -> Inspect:
    """Return a network without the containers of which nobody knows where they will be."""
    boxes = (network.get("Containers") or {}).items()
    stay = {key: one for key, one in boxes if f"container/{one.get('Name')}" not in pending}
    return {**network, "Containers": stay}


def _ask(client: Client, requests: Mapping[str, Request]) -> Dict[str, Any]:
    """Answer each request by its key, `KIND NAME` of what is named: None for what does not exist;
    other errors are raised."""
    made: Dict[str, Any] = {}
    for key, answer in zip(requests, client.get_all(list(requests.values()))):
        if isinstance(answer, EngineError) and not absent(answer):
            if key.startswith("network ") and answer.status < 500:  # several have that name
                answer.hint = f"networks: remove all {key[8:]} but one by id"
            raise answer
        kind, _blank, name = key.partition(" ")
        kind = "container" if kind in ("current", "peer") else kind
        made[key] = meant(kind, name, answer) if name else _there(answer)
    return made


def _there(answer: Any) -> Any:
    return None if isinstance(answer, EngineError) else answer


def _remote(client: Client, wish: Wish, image: Optional[Inspect], settled: bool) -> Any:
    """Ask the registry if it is time to; a digest cannot change."""
    if wish.pull_policy in ("missing", "never") or not wish.reference or settled:
        return None
    from ..image.pull import ask_registry
    from ..image.pull_policy import policy_now

    if policy_now(wish.pull_policy, image) != "always":
        return None
    return ask_registry(client, wish.reference)


def bases_of(
    client: Client, containers: Iterable[Optional[Inspect]], image: Optional[Inspect] = None
) -> Dict[str, Mapping[str, Any]]:
    """Return the configurations of the containers' images by id; only others than `image` cost."""
    known = {str(image["Id"]): image} if image is not None else {}
    ids = {str(container["Image"]) for container in containers if container is not None}
    ids.difference_update(known)
    for ident, got in _ask(client, {one: (f"/images/{one}/json", None) for one in ids}).items():
        if got is not None:
            known[ident] = got
    return {ident: one.get("Config") or {} for ident, one in known.items()}


def _unknown(wish: Wish, pending: Mapping[str, str]) -> Dict[str, str]:
    found = {n: pending[f"network/{n}"] for n in wish.networks if f"network/{n}" in pending}
    for name in wish.peers:
        if f"container/{name}" in pending:
            found[f"container {name}"] = pending[f"container/{name}"]
    image = pending.get(f"image/{wish.reference}")
    if image is not None:
        found["image"] = image
    comes = wish.address in pending and not will_go(pending, wish.address)
    if comes and (wish.state == "absent" or not wish.reference):
        found["container"] = pending[wish.address]
    return found


def unreachable(wish: Wish, pending: Mapping[str, str]) -> Found:
    """Return the snapshot of an engine that an earlier task of this run would bring."""
    unknown = {**_unknown(wish, pending), "engine": pending["engine"]}
    return Found(api=(1, 99), unknown=unknown)


def require_references(wish: Wish, found: Found) -> None:
    """Raise InvalidOption for a network or a container that the task names and nobody has."""
    if "engine" in found.unknown or wish.state == "absent":
        return  # what is to go needs nothing
    for name in wish.networks:
        if name not in found.networks and name not in found.unknown:
            option = "network_mode" if wish.declared.get("network_mode") == name else "networks"
            raise InvalidOption(
                f"the network {name} does not exist", option=option, hint="create it first"
            )
    for peer, option in wish.peers.items():
        if peer not in found.peers and f"container {peer}" not in found.unknown:
            raise InvalidOption(
                f"the container {peer} does not exist", option=option, hint="create it first"
            )
