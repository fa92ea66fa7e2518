# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nothing uses: the engine's lists, and what of them may go."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any, Dict, Iterator, List, Mapping, Optional, Set, Tuple

from .client import Client, EngineError, Query
from .labels import OUR_LABELS
from .moments import parse_time
from .prune_wish import Wish

_IDLE = ("created", "exited", "dead")
# The networks that every engine has, and Swarm's own.
_BUILT_IN = ("bridge", "host", "none", "podman", "ingress", "docker_gwbridge")
_NOBODYS = "<none>:<none>"  # what older engines call the tag of an image without one

Object = Mapping[str, Any]


@dataclass(frozen=True)
class Item:
    """One thing that may go: `ids` are what the engine removes it by, `why` says it in words."""

    kind: str
    name: str
    ids: Tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Found:
    """The engine's lists at the moment `now`; `unknown` is what earlier tasks of the run do."""

    containers: Tuple[Object, ...] = ()
    images: Tuple[Object, ...] = ()
    networks: Tuple[Object, ...] = ()
    volumes: Tuple[Object, ...] = ()
    cache: Tuple[Object, ...] = ()
    now: float = 0
    unknown: Mapping[str, str] = field(default_factory=dict)


def observe(client: Optional[Client], wish: Wish, pending: Mapping[str, str]) -> Found:
    """Ask for the lists that are needed, in one go."""
    if client is None:
        return Found(unknown=pending)
    asked: Dict[str, Tuple[str, Optional[Query]]] = {
        "containers": ("/containers/json", {"all": True})
    }
    if "images" in wish.kinds:
        asked["images"] = ("/images/json", None)
    if "networks" in wish.kinds:
        asked["networks"] = ("/networks", None)
    if "volumes" in wish.kinds or wish.named:
        asked["volumes"] = ("/volumes", None)
    if "build_cache" in wish.kinds:
        # `type` is understood from API 1.42 on; before, everything is measured.
        asked["cache"] = ("/system/df", {"type": "build-cache"})
    lists: Dict[str, Any] = {}
    for kind, answer in zip(asked, client.get_all(list(asked.values()))):
        if isinstance(answer, EngineError):
            raise answer
        lists[kind] = tuple(_items(kind, answer))
    return Found(now=time.time(), unknown=pending, **lists)


def _items(kind: str, answer: Any) -> List[Object]:
    """Return a list of the engine's by name, so that a plan is the same each time: engines have
    networks and volumes in any order, and images of one second.
    """
    inner = {"volumes": "Volumes", "cache": "BuildCache"}.get(kind)
    found = (answer.get(inner) if inner else answer) or ()
    return sorted(found, key=lambda one: [*_names_of(one), str(one.get("Id") or one.get("ID"))])


def _names_of(one: Object) -> List[str]:
    names = one.get("Name") or one.get("Names") or one.get("RepoTags") or ()
    return [names] if isinstance(names, str) else sorted(map(str, names))


def chosen(wish: Wish, found: Found) -> List[Item]:
    """Return all that may go, containers first, since they hold the rest."""
    boxes = list(_containers(wish, found)) if "containers" in wish.kinds else []
    gone = {ident for box in boxes for ident in box.ids}
    left = [box for box in found.containers if box["Id"] not in gone]
    made = [*boxes]
    if "images" in wish.kinds:
        made += _images(wish, found, left)
    if "networks" in wish.kinds:
        made += _networks(wish, found, left)
    made += _volumes(wish, found, left)
    unused = [one for one in found.cache if not one.get("InUse")]
    if unused:
        what = f"{len(unused)} entries that no build uses"
        made.append(Item("build_cache", "", (), what))
    return made


def users(volume: str, boxes: Any) -> List[str]:
    """Return the names of the containers that mount a volume."""
    return [
        _name(box)
        for box in boxes
        if any(mount.get("Name") == volume for mount in box.get("Mounts") or ())
    ]


def _name(box: Object) -> str:
    return str((box.get("Names") or [box["Id"][:12]])[0]).lstrip("/")


def _containers(wish: Wish, found: Found) -> Iterator[Item]:
    for box in found.containers:
        name = _name(box)
        idle = box.get("State") in _IDLE and f"container/{name}" not in found.unknown
        if idle and _may(wish, found, box, "container", name):
            yield Item("container", name, (box["Id"],), f"{box['State']}")


def _images(wish: Wish, found: Found, left: List[Object]) -> Iterator[Item]:
    used = {box.get("ImageID") for box in left}
    for image in found.images:
        tags = tuple(tag for tag in image.get("RepoTags") or () if tag != _NOBODYS)
        if image["Id"] in used or (tags and not wish.tagged) or not _fits(wish, found, image):
            continue
        if wish.everyone or _is_ours(image, tags, found.images):
            name = tags[0] if tags else image["Id"].partition(":")[2][:12]
            why = "no container uses it" if tags else "it has no name, and no container uses it"
            yield Item("image", name, tags or (image["Id"],), why)


def _is_ours(image: Object, tags: Tuple[str, ...], others: Tuple[Object, ...]) -> bool:
    """Tell if we built an image. A build on top of it inherits the label, and is younger."""
    label = (image.get("Labels") or {}).get(OUR_LABELS + "image")
    try:
        record = json.loads(label or "")
    except ValueError:
        return False
    if not isinstance(record, dict) or (tags and record.get("name") not in tags):
        return False
    alike = [one for one in others if (one.get("Labels") or {}).get(OUR_LABELS + "image") == label]
    oldest: Object = min(alike, key=lambda one: int(one.get("Created") or 0))
    return bool(oldest["Id"] == image["Id"])


def _networks(wish: Wish, found: Found, left: List[Object]) -> Iterator[Item]:
    used: Set[str] = set()
    for box in left:
        points = (box.get("NetworkSettings") or {}).get("Networks") or {}
        used.update(points)
        used.update(str(point.get("NetworkID")) for point in points.values() if point)
    for net in found.networks:
        name = str(net["Name"])
        if name in _BUILT_IN or name in used or net["Id"] in used:
            continue
        if _may(wish, found, net, "network", name):
            yield Item("network", name, (net["Id"],), "no container is in it")


def _volumes(wish: Wish, found: Found, left: List[Object]) -> Iterator[Item]:
    for volume in found.volumes:
        name = str(volume["Name"])
        asked = name in wish.named
        by_kind = "volumes" in wish.kinds and _may(wish, found, volume, "volume", name)
        if (asked or by_kind) and not users(name, left):
            why = "named, and no container has it" if asked else "no container has it"
            yield Item("volume", name, (name,), why)


def _may(wish: Wish, found: Found, thing: Object, kind: str, name: str) -> bool:
    """Tell if a thing may go. What an interrupted change has left under another name may not,
    whoever is meant: the next run of its task goes on from there.
    """
    labels = thing.get("Labels") or {}
    record = labels.get(f"{OUR_LABELS}{kind}")
    if any(key.startswith(f"{OUR_LABELS}{kind}.") for key in labels):
        return False  # a note of a change that is under way
    aside = name.endswith(f".old-{str(thing.get('Id'))[:12]}")
    if aside or not _fits(wish, found, thing) or (not record and not wish.everyone):
        return False
    if not record:
        return True
    try:
        address = str(json.loads(record).get("address", ""))
    except (ValueError, AttributeError):
        return wish.everyone
    # Of a stack, the parts of the address are joined in the name.
    inner = address.partition("/")[2]
    return name in (inner, inner.replace("/", "-"), inner.replace("/", "_"))


def _fits(wish: Wish, found: Found, thing: Object) -> bool:
    labels = thing.get("Labels") or {}
    for want in wish.labels:
        key, equals, value = want.partition("=")
        if key not in labels or (equals and labels[key] != value):
            return False
    return wish.age is None or found.now - _created(thing, found.now) > wish.age


def _created(thing: Object, now: float) -> float:
    """Return when a thing was made, in seconds since 1970; now if the engine does not say."""
    value = thing.get("Created") or thing.get("CreatedAt")
    if isinstance(value, (int, float)):
        return float(value)
    moment = parse_time(str(value or ""))
    return now if moment is None else moment
