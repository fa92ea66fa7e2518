# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The releases of a stack as its last part: one is kept when all else is up, old ones go.

The images get their tags first, then the release its own; a release that goes loses its own first.
So a run that ends between leaves tags without a release, which the next one removes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from hashlib import sha256
from typing import (
    Any,
    Callable,
    Dict,
    FrozenSet,
    List,
    Mapping,
    Optional,
    Sequence,
    Tuple,
)

from ..._desired.errors import FleetError
from ..._desired.plan import Plan
from ..._desired.planned import REMOVAL, Pending
from ..._desired.resource import Resource
from ..._desired.steps import Chain, Step
from ..._desired.work import Verbs, Work
from ..client.options import LIMITS
from ..image.load import import_archive
from ..values.image_reference import short
from ..values.release_tags import REPOSITORY, read_name, release_tag
from .observed import base_name
from .release_file import packed
from .releases import LABEL, Image, Images, Kept, Release, read_kept
from .snapshot import CONTAINERS

_NOT_KEPT = "none is kept yet"


@dataclass(frozen=True, repr=False, eq=False)
class Desired:
    """What is to be kept of a project.

    `keep` is how many releases, None for those that are there up to `newest`, the serial of the
    one that was returned to. `declared` is the digest of the declaration, `file` makes the file
    that has it. `services` are those with containers: the name of the first one, and the reference
    of their image. `going` are containers that are removed before.
    """

    project: str
    keep: Optional[int] = None
    newest: Optional[int] = None
    declared: str = ""
    file: Callable[[], bytes] = bytes
    services: Mapping[str, Tuple[str, str]] = field(default_factory=dict)
    going: FrozenSet[str] = frozenset()
    state: str = "present"
    allow: Tuple[str, ...] = LIMITS
    protect: bool = False

    @property
    def address(self) -> str:
        """Its name in plans."""
        return f"release/{self.project}"


@dataclass(frozen=True, repr=False, eq=False)
class Observed:
    """What is kept, and what would be: `images` are those that the services run, or will run;
    `unsure` are services of which only applying tells. `used` are ids of images that containers
    use; for a stack that goes, of those alone that have no other name. `unfinished`: what was done
    has not come to what is declared."""

    kept: Kept = field(default_factory=Kept)
    images: Images = field(default_factory=dict)
    unsure: Tuple[str, ...] = ()
    used: FrozenSet[str] = frozenset()
    unfinished: bool = False


class Releases(Resource):
    """The releases of one project (see `_desired/group.py` and parts.py)."""

    name = "release"
    server = "engine"

    @property
    def verbs(self) -> Verbs:
        """The mutations by verb."""
        return {"keep": _keep, "remove": _remove}

    def observe(self, client: Any, desired: Desired, pending: Pending, settled: bool) -> Observed:
        """Look at what is kept, and at what the services run."""
        if client is None:
            return Observed(unsure=tuple(desired.services))
        kept = read_kept(client, desired.project)
        images, unsure = _images(client, desired, pending)
        used = frozenset(
            str(entry.get("ImageID"))
            for entry in client.get(*CONTAINERS) or ()
            if base_name(entry) not in desired.going
        )
        if desired.state == "absent":
            ids = {image for tags in kept.tags.values() for image in tags.values()}
            used -= _named(client, sorted(used & ids))
        # Such as replicas that have gone back to what they were, while an update went on.
        unfinished = settled and any(at.startswith("container/") for at in pending)
        return Observed(kept, images, unsure, used, unfinished)

    def plan(self, desired: Desired, observed: Observed, difference: Any) -> Plan:
        """Return the steps that keep the release, and those that remove what is kept no more."""
        chain = Chain(desired.address)
        kept = observed.kept
        causes, maybe = _causes(desired, observed)
        if causes:
            desired.file()  # for its complaint, before anything is done
            number = str(kept.next)
            chain.add("keep", causes, maybe=maybe, on=f"release {number}", id=number)
        known = [release.serial for release in kept.releases]
        unless_maybe = _staying(desired, known) if maybe else []
        for serial in _removals(desired, observed):
            cause = _cause_of_removal(desired, serial in known)
            doubt = serial in unless_maybe
            chain.add("remove", cause, maybe=doubt, on=f"release {serial}", id=str(serial))
        return Plan(tuple(chain.steps))

    def present(self, observed: Observed) -> Optional[Dict[str, Any]]:
        """Return the last release that is kept, None if none is."""
        newest = observed.kept.newest
        return newest.public() if newest else None


def _named(client: Any, images: Sequence[str]) -> FrozenSet[str]:
    """Return those of some images that have names beside their releases': they lose no last one."""
    answers = client.get_all([(f"/images/{image}/json", None) for image in images])

    def is_named(answer: Any) -> bool:
        tags = (answer.get("RepoTags") or ()) if isinstance(answer, dict) else ()
        return any(read_name(short(tag)) is None for tag in tags)

    return frozenset(image for image, answer in zip(images, answers) if is_named(answer))


def _images(
    client: Any, desired: Desired, pending: Pending
) -> Tuple[Dict[str, Image], Tuple[str, ...]]:
    """Return the images that services run, or will run as far as that is known in a check, and
    those of which it is not."""
    requests = [(f"/containers/{name}/json", None) for name, _ref in desired.services.values()]
    requests += [(f"/images/{ref}/json", None) for _name, ref in desired.services.values()]
    answers = client.get_all(requests)
    half = len(desired.services)
    images: Dict[str, Image] = {}
    unsure: List[str] = []
    for number, (service, (name, reference)) in enumerate(desired.services.items()):
        container, image = answers[number], answers[half + number]
        changes = f"container/{name}" in pending
        there = image.get("Id") if isinstance(image, dict) else None
        runs = container.get("Image") if isinstance(container, dict) else None
        if f"image/{reference}" in pending or (changes and there is None):
            unsure.append(service)
        elif changes or runs:
            images[service] = Image(str(there if changes else runs), reference)
    return images, tuple(unsure)


def _causes(desired: Desired, observed: Observed) -> Tuple[Tuple[str, ...], bool]:
    """Return why a release is to be kept, and whether only applying tells that it is."""
    if not desired.keep or not desired.services or observed.unfinished:
        return (), False
    newest = observed.kept.newest
    if newest is None:
        return (_NOT_KEPT,), False
    if newest.declared != desired.declared:
        return ("what is declared is not what was kept",), False
    lacks = observed.kept.lacks(newest)
    if lacks:
        return (f"release {newest.serial} lacks its image of {', '.join(lacks)}",), False
    others = [
        service
        for service in sorted({*newest.images, *desired.services})
        if service not in observed.unsure
        and newest.images.get(service) != observed.images.get(service)
    ]
    sure = bool(others)
    others = sorted({*others, *observed.unsure})
    return ((f"another image of {', '.join(others)}",), not sure) if others else ((), False)


def _staying(desired: Desired, serials: Sequence[int]) -> List[int]:
    """Return which serials stay, of some with the newest first."""
    if desired.state == "absent":
        return []
    if desired.newest is not None:
        return [serial for serial in serials if serial <= desired.newest]
    return list(serials)[: desired.keep]


def _removals(desired: Desired, observed: Observed) -> Dict[int, List[str]]:
    """Return by serial the tags that go, that of the release itself first.

    The last tag of an image in use cannot: it goes when nothing uses the image any more.
    """
    if observed.unfinished:
        return {}
    kept = observed.kept
    known = [release.serial for release in kept.releases]
    keeps = bool(_causes(desired, observed)[0])
    staying = _staying(desired, [kept.next, *known] if keeps else known)
    pinned = {image for serial in staying for image in kept.tags.get(serial, {}).values()}
    pinned.update(image.id for image in observed.images.values() if keeps)
    result: Dict[int, List[str]] = {}
    for serial in sorted({*kept.tags} - {*staying}):
        tags = [
            release_tag(desired.project, serial, service)
            for service, image in sorted(kept.tags[serial].items())
            if (image in pinned or image not in observed.used if service else serial in known)
        ]
        if tags:
            result[serial] = tags
    return result


def _cause_of_removal(desired: Desired, known: bool) -> str:
    if desired.state == "absent":
        return REMOVAL
    if not known:
        return "an earlier run has not finished with it"
    return f"keep_releases: {desired.keep}" if desired.newest is None else "rolled back"


def _keep(work: Work, step: Step) -> bool:
    """Give the images that run their tags, then the release its own, with what was declared."""
    desired: Desired = work.desired
    images: Images = work.snapshot.images
    serial = int(step.args["id"])
    missing = sorted({*desired.services} - {*images})
    if missing:
        raise FleetError(
            f"the containers of {', '.join(missing)} are gone",
            address=step.address,
            hint="somebody else may have removed them; run again",
        )
    data = desired.file()
    release = Release(
        desired.project,
        serial,
        time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        desired.declared,
        sha256(data).hexdigest(),
        images,
    )
    label = (LABEL, release.label())
    for service, image in images.items():
        tag = release_tag(desired.project, serial, service)
        work.client.post(f"/images/{image.id}/tag", {"repo": REPOSITORY, "tag": tag})
    import_archive(work, step, release.name, label, (), packed(data))
    return True


def _remove(work: Work, step: Step) -> bool:
    """Take a release's tags away, its own first; an image goes with its last one."""
    useful = False
    for tag in _removals(work.desired, work.snapshot)[int(step.args["id"])]:
        useful |= work.client.discard(f"/images/{REPOSITORY}:{tag}")
    return useful


RELEASES = Releases()
