# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is there: one snapshot of an image, its base images, and who uses it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Tuple

from ..._desired.planned import Pending, address_then, follow, will_change, will_go
from ..client.engine import Client, Query
from ..client.errors import EngineError
from ..values.image_reference import short
from . import record as image_record
from .desired import Desired
from .pull import ask_registry
from .pull_policy import policy_now

if TYPE_CHECKING:
    from .offer import Offer

Inspect = Mapping[str, Any]


@dataclass(frozen=True)
class Observed:
    """One look at the engine. Images are what its inspect answers, None if they are not there.

    `bases`, `tags` (what the further tags, or the names in an archive, mean now) and `remotes` are
    by reference; a remote is the registry's answer or the error that stands for it. `policy` is
    what the pull policy comes to at this time, `saved` the ids of the image in the archive to save
    to. `users` names the containers made from the image, looked up before a removal. `unknown` maps
    "engine" and image references to what an earlier task of this run would do. `offers` has what
    another host offers, by reference.
    """

    image: Optional[Inspect] = None
    record: Mapping[str, Any] = field(default_factory=dict)
    bases: Mapping[str, Optional[Inspect]] = field(default_factory=dict)
    tags: Mapping[str, Optional[Inspect]] = field(default_factory=dict)
    remotes: Mapping[str, Any] = field(default_factory=dict)
    policy: str = "missing"
    saved: Optional[Tuple[str, ...]] = None
    users: Tuple[str, ...] = ()
    offers: Mapping[str, Offer] = field(default_factory=dict)
    unknown: Mapping[str, str] = field(default_factory=dict)
    settled: bool = False
    kind: str = ""


def observe(
    client: Optional[Client], desired: Desired, pending: Pending, settled: bool
) -> Observed:
    """Take a snapshot with reads only: one round trip if the image is not ours to compare."""
    bases = desired.build.bases if desired.build else ()
    unknown = {
        entry: pending[f"image/{entry}"].text
        for entry in (desired.name, *bases)
        if f"image/{entry}" in pending
    }
    gone = will_go(pending, f"image/{desired.name}")
    if gone:
        del unknown[desired.name]
    if client is None:
        unknown["engine"] = pending["engine"].text
        return Observed(unknown=unknown, settled=settled, offers=_offers(None, desired, {}))
    tags = desired.names or desired.tags
    if desired.source and not desired.name:
        tags = tuple(desired.source.references)
    asked = [entry for entry in (desired.name, *bases, *tags) if entry]
    requests: List[Tuple[str, Optional[Query]]] = [
        (f"/images/{entry}/json", None) for entry in asked
    ]
    there = {entry: present(answer) for entry, answer in zip(asked, client.get_all(requests))}
    image = None if gone else there.get(desired.name)
    if pending and desired.state == "absent" and not gone:
        image, unknown = _then(client, desired, image, unknown, pending)
    policy = policy_now(desired.pull_policy, image)
    return Observed(
        image=image,
        record=_record(client, desired, image),
        bases={base: there[base] for base in bases},
        tags={tag: there[tag] for tag in tags},
        remotes=_remotes(client, desired, image, policy, settled),
        policy=policy,
        saved=_saved(desired),
        users=_users(client, image, pending) if image and desired.state == "absent" else (),
        offers=_offers(client, desired, {**there, desired.name: image}),
        unknown=unknown,
        settled=settled,
        kind=client.kind,
    )


def _offers(
    client: Optional[Client], desired: Desired, there: Mapping[str, Optional[Inspect]]
) -> Mapping[str, Offer]:
    """Return what another host offers of the images that are to be taken from it."""
    if desired.origin is None:
        return {}
    from .offer import offers

    here = {name: there.get(name) for name in desired.names or (desired.name,)}
    return offers(desired.origin, client, here)


def _then(
    client: Client,
    desired: Desired,
    image: Optional[Inspect],
    unknown: Dict[str, str],
    pending: Pending,
) -> Tuple[Optional[Inspect], Dict[str, str]]:
    """Return the image that will have the name of one that is to go, with the tags that it will
    have once earlier tasks of a check are done; None where it is unknown which one it will be.
    """
    tagged = {tag: entry.same_as for tag, entry in pending.items() if entry.same_as}
    address = follow(tagged, desired.address)
    if address in pending:
        return None, unknown
    if address != desired.address:
        path = f"/images/{address.partition('/')[2]}/json"
        image = present(client.get_all([(path, None)])[0])
    if image is None:
        return None, unknown
    tags = [tag for tag in image.get("RepoTags") or () if f"image/{short(tag)}" not in pending]
    stay = {f"image/{short(tag)}" for tag in tags}
    given = [key.partition("/")[2] for key, entry in pending.items() if entry.same_as in stay]
    return {**image, "RepoTags": [*tags, *given]}, {}


def _saved(desired: Desired) -> Optional[Tuple[str, ...]]:
    if not desired.save:
        return None
    from .load import saved_ids

    return saved_ids(desired.save, desired.name)


def present(answer: Any) -> Optional[Inspect]:
    """Return an inspect answer, None for what does not exist; raise any other error."""
    if isinstance(answer, EngineError):
        if answer.status != 404:
            raise answer
        return None
    return dict(answer)


def _remotes(
    client: Client, desired: Desired, image: Optional[Inspect], policy: str, settled: bool
) -> Dict[str, Any]:
    """Ask the registries of what may be pulled, once, and of what is to be pushed."""
    asked: List[str] = []
    if desired.state == "absent":
        return {}
    if not settled and desired.build is not None and desired.build.pull:
        asked += desired.build.bases
    if not settled and desired.pulls and policy == "always" and image and "@" not in desired.name:
        asked.append(desired.name)
    return {
        entry: ask_registry(client, entry, desired.account) for entry in (*asked, *desired.pushed)
    }


def _record(client: Client, desired: Desired, image: Optional[Inspect]) -> Mapping[str, Any]:
    """Return the record of an image's own build, {} if there is none.

    Labels are inherited by what is built from an image and by `docker commit`: an image whose
    label was there before its build is not what we built. Engines that keep no parents (all but
    the classic builder's) cannot tell.
    """
    imported = desired.source is not None and desired.source.kind == "import"
    ours = image is not None and (desired.build is not None or imported)
    record = image_record.read(image or {}, desired.name, imported) if ours else {}
    above = image
    for _level in range(image_record.own_layers(record) if record else 0):
        parent = (above or {}).get("Parent")
        if not parent:
            return record
        above = present(client.get_all([(f"/images/{parent}/json", None)])[0])
    inherited = record and image_record.label_of(above or {}) == image_record.label_of(image or {})
    return {} if inherited else record


def _users(client: Client, image: Inspect, pending: Pending) -> Tuple[str, ...]:
    """Return who uses an image, but for whom an earlier task of this check changes or removes."""
    # Not the ancestor filter: it finds users of derived images too, and Podman's takes no id.
    listed = client.get("/containers/json", {"all": True}) or []
    addresses = [
        f"container{entry['Names'][0]}" for entry in listed if entry.get("ImageID") == image["Id"]
    ]
    users = (address_then(pending, name) for name in addresses if not will_change(pending, name))
    return tuple(sorted(name.partition("/")[2] for name in users))
