# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nothing uses: the engine's lists, and what of them may go."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import Any, Dict, FrozenSet, Iterable, Iterator, List, Mapping, Optional, Set, Tuple

from ..._desired.ownership import parse
from ..._desired.planned import Pending
from ..client.engine import Client, Query
from ..client.errors import EngineError
from ..container.reads import bases_of
from ..values.image_reference import NAMELESS, short
from ..values.labels import OUR_LABELS, own_labels
from ..values.release_tags import read_name
from ..values.timestamps import parse_time
from .desired import Desired, is_meant

_IDLE = ("created", "exited", "dead")
# The networks that every engine has, and Swarm's own.
_BUILT_IN = ("bridge", "host", "none", "podman", "ingress", "docker_gwbridge")
# The name that engines give a volume without one, and the label that Docker adds from API 1.42 on.
_UNNAMED = re.compile("[0-9a-f]{64}")
_ANONYMOUS = "com.docker.volume.anonymous"

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Item:
    """One thing that may go: `ids` are what the engine removes it by, `why` says it in words."""

    kind: str
    name: str
    ids: Tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Observed:
    """The engine's lists at the moment `now`; `unknown` are addresses of what earlier tasks do.

    `bases` are the configurations, by image id, of the images of containers that say they are ours;
    `labelled`: this engine labels the volumes that have no name of their own.
    """

    containers: Tuple[Object, ...] = ()
    images: Tuple[Object, ...] = ()
    networks: Tuple[Object, ...] = ()
    volumes: Tuple[Object, ...] = ()
    cache: Tuple[Object, ...] = ()
    bases: Mapping[str, Object] = field(default_factory=dict)
    labelled: bool = False
    now: float = 0
    unknown: FrozenSet[str] = frozenset()


def observe(client: Optional[Client], desired: Desired, pending: Pending) -> Observed:
    """Ask for the lists that are needed, in one go."""
    if client is None:
        return Observed(unknown=frozenset(pending))
    asked: Dict[str, Tuple[str, Optional[Query]]] = {
        "containers": ("/containers/json", {"all": True})
    }
    if "images" in desired.kinds:
        asked["images"] = ("/images/json", None)
    if "networks" in desired.kinds:
        asked["networks"] = ("/networks", None)
    if "volumes" in desired.kinds or desired.named or desired.patterns:
        asked["volumes"] = ("/volumes", None)
    if "build_cache" in desired.kinds:
        # `type` is understood from API 1.42 on; before, everything is measured.
        asked["cache"] = ("/system/df", {"type": "build-cache"})
    lists: Dict[str, Any] = {}
    for kind, answer in zip(asked, client.get_all(list(asked.values()))):
        if isinstance(answer, EngineError):
            raise answer
        lists[kind] = tuple(_items(kind, answer))
    labelled = client.kind != "podman" and client.api >= (1, 42)
    bases = _bases(client, desired, lists["containers"])
    return Observed(
        now=time.time(), unknown=frozenset(pending), bases=bases, labelled=labelled, **lists
    )


def _bases(client: Client, desired: Desired, containers: Iterable[Object]) -> Dict[str, Object]:
    if "containers" not in desired.kinds:
        return {}
    ours = (
        entry for entry in containers if f"{OUR_LABELS}container" in (entry.get("Labels") or {})
    )
    return dict(bases_of(client, [{"Image": entry.get("ImageID")} for entry in ours]))


def _items(kind: str, answer: Any) -> List[Object]:
    """Return a list of the engine's by name, so that a plan is the same each time: engines have
    networks and volumes in any order, and images of one second.
    """
    inner = {"volumes": "Volumes", "cache": "BuildCache"}.get(kind)
    items = (answer.get(inner) if inner else answer) or ()
    return sorted(
        items, key=lambda entry: [*_names_of(entry), str(entry.get("Id") or entry.get("ID"))]
    )


def _names_of(entry: Object) -> List[str]:
    names = entry.get("Name") or entry.get("Names") or entry.get("RepoTags") or ()
    return [names] if isinstance(names, str) else sorted(map(str, names))


def chosen(desired: Desired, observed: Observed) -> List[Item]:
    """Return all that may go, containers first, since they hold the rest."""
    containers = list(_containers(desired, observed)) if "containers" in desired.kinds else []
    gone = {ident for container in containers for ident in container.ids}
    left = [container for container in observed.containers if container["Id"] not in gone]
    result = [*containers]
    if "images" in desired.kinds:
        result += _images(desired, observed, left)
    if "networks" in desired.kinds:
        result += _networks(desired, observed, left)
    result += _volumes(desired, observed, left)
    unused = [entry for entry in observed.cache if not entry.get("InUse")]
    if unused:
        what = f"{len(unused)} entries that no build uses"
        result.append(Item("build_cache", "", (), what))
    return result


def users(volume: str, containers: Any) -> List[str]:
    """Return the names of the containers that mount a volume."""
    return [
        _name(container)
        for container in containers
        if any(mount.get("Name") == volume for mount in container.get("Mounts") or ())
    ]


def _name(container: Object) -> str:
    return str((container.get("Names") or [container["Id"][:12]])[0]).lstrip("/")


def _containers(desired: Desired, observed: Observed) -> Iterator[Item]:
    for container in observed.containers:
        name = _name(container)
        idle = container.get("State") in _IDLE and f"container/{name}" not in observed.unknown
        if idle and _may(desired, observed, container, "container", name):
            yield Item("container", name, (container["Id"],), f"{container['State']}")


def _images(desired: Desired, observed: Observed, left: List[Object]) -> Iterator[Item]:
    used = {container.get("ImageID") for container in left}
    for image in observed.images:
        tags = tuple(tag for tag in image.get("RepoTags") or () if tag != NAMELESS)
        if (
            image["Id"] in used
            or any(read_name(short(tag)) for tag in tags)  # of a stack's releases
            or (tags and not desired.tagged)
            or not _fits(desired, observed, image)
        ):
            continue
        if desired.everyone or _is_ours(image, tags, observed.images):
            name = short(tags[0]) if tags else image["Id"].rpartition(":")[2][:12]
            reason = "no container uses it" if tags else "it has no name, and no container uses it"
            yield Item("image", name, tags or (image["Id"],), reason)


def _is_ours(image: Object, tags: Tuple[str, ...], others: Tuple[Object, ...]) -> bool:
    """Tell if we built an image. A build on top of it inherits the label, and is younger."""
    label = (image.get("Labels") or {}).get(OUR_LABELS + "image")
    name = parse(label).get("name")
    if not name or (tags and name not in map(short, tags)):
        return False
    alike = [
        entry for entry in others if (entry.get("Labels") or {}).get(OUR_LABELS + "image") == label
    ]
    oldest: Object = min(alike, key=lambda entry: int(entry.get("Created") or 0))
    return bool(oldest["Id"] == image["Id"])


def _networks(desired: Desired, observed: Observed, left: List[Object]) -> Iterator[Item]:
    used: Set[str] = set()
    for container in left:
        points = (container.get("NetworkSettings") or {}).get("Networks") or {}
        used.update(points)
        used.update(str(point.get("NetworkID")) for point in points.values() if point)
    for net in observed.networks:
        name = str(net["Name"])
        if name in _BUILT_IN or name in used or net["Id"] in used:
            continue
        if _may(desired, observed, net, "network", name):
            yield Item("network", name, (net["Id"],), "no container is in it")


def _volumes(desired: Desired, observed: Observed, left: List[Object]) -> Iterator[Item]:
    for volume in observed.volumes:
        name = str(volume["Name"])
        reason = _reason_of(desired, observed, volume, name)
        if reason and not users(name, left):
            yield Item("volume", name, (name,), reason)


def _reason_of(desired: Desired, observed: Observed, volume: Object, name: str) -> str:
    """Return why a volume that no container has may go, "" for one that stays."""
    if name in desired.named:
        return "named, and no container has it"
    pattern = next((entry for entry in desired.patterns if is_meant(entry, name)), None)
    if pattern and _may(desired, observed, volume, "volume", name):
        return f"{pattern}, and no container has it"
    unnamed = "volumes" in desired.kinds and is_unnamed(observed, volume)
    return (
        "it has no name, and no container has it"
        if unnamed and _fits(desired, observed, volume)
        else ""
    )


def is_unnamed(observed: Observed, volume: Object) -> bool:
    """Tell if a volume has no name of its own, as the engine's own prune would judge it.

    Docker labels these from API 1.42 on; before, and on Podman, the engine's name has to do, of one
    without labels and options, which a volume that was declared would have.
    """
    labels = volume.get("Labels") or {}
    if volume.get("Driver") != "local" or not _UNNAMED.fullmatch(str(volume["Name"])):
        return False
    if observed.labelled:
        return _ANONYMOUS in labels
    return not volume.get("Options") and not set(labels) - {_ANONYMOUS}


def kept(desired: Desired, observed: Observed) -> List[str]:
    """Return the names of the volumes that no container has, and that stay since they have one."""
    if "volumes" not in desired.kinds:
        return []
    gone = {ident for item in chosen(desired, observed) for ident in item.ids}
    left = [container for container in observed.containers if container["Id"] not in gone]
    names = [str(entry["Name"]) for entry in observed.volumes if not is_unnamed(observed, entry)]
    return [name for name in names if not users(name, left)]


def _may(desired: Desired, observed: Observed, thing: Object, kind: str, name: str) -> bool:
    """Tell if a thing may go. What an interrupted change has left under another name may not,
    whoever is meant: the next run of its task goes on from there.
    """
    labels = thing.get("Labels") or {}
    if any(key.startswith(f"{OUR_LABELS}{kind}.") for key in labels):
        return False  # a note of a change that is under way
    aside = name.endswith(f".old-{str(thing.get('Id'))[:12]}")
    if aside or not _fits(desired, observed, thing):
        return False
    record = _own_record(observed, thing, kind)
    if not record:
        return record is not None and desired.everyone
    address = parse(record).get("address")
    if address is None:
        return desired.everyone
    # Of a stack, the parts of the address are joined in the name.
    inner = address.partition("/")[2]
    return name in (inner, inner.replace("/", "-"), inner.replace("/", "_"))


def _own_record(observed: Observed, thing: Object, kind: str) -> Optional[str]:
    """Return the record of a listed thing, "" for none, None if it is unknown whose it is."""
    labels, key = thing.get("Labels") or {}, f"{OUR_LABELS}{kind}"
    if kind != "container" or not labels.get(key):
        return labels.get(key) or ""
    image = str(thing.get("ImageID") or "")
    base = observed.bases.get(image)
    own = own_labels(labels, image, base).get(key)
    return None if own is None and base is None else own or ""


def _fits(desired: Desired, observed: Observed, thing: Object) -> bool:
    labels = thing.get("Labels") or {}
    if not all(_has(labels, want) for want in desired.labels):
        return False
    if any(_has(labels, want) for want in desired.without):
        return False
    return desired.age is None or observed.now - _created(thing, observed.now) > desired.age


def _has(labels: Object, want: str) -> bool:
    """Tell if there is a label KEY, or one of that value for KEY=VALUE."""
    key, equals, value = want.partition("=")
    return key in labels and (not equals or bool(labels[key] == value))


def _created(thing: Object, now: float) -> float:
    """Return when a thing was made, in seconds since 1970; now if the engine does not say."""
    value = thing.get("Created") or thing.get("CreatedAt")
    if isinstance(value, (int, float)):
        return float(value)
    created = parse_time(str(value or ""))
    return now if created is None else created
