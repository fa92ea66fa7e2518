# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The releases of a project that its engine keeps: what was up, to be returned to.

A host has nothing but its engine. So a release is an image of one file (release_file.py), whose
label has what every look needs, and each image that it ran has one more tag
(values/release_tags.py), by which it stays when the declared tag moves on. What is read here was
written by whoever can write to the engine: it counts as far as it has the shape that we write.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, List, Mapping, NamedTuple, Optional, Tuple

from ..._desired.errors import FleetError
from ..._desired.ownership import parse
from ..client.engine import Client
from ..values.image_reference import short
from ..values.labels import OUR_LABELS
from ..values.release_tags import REPOSITORY, read_name, release_name
from .snapshot import Request

LABEL = OUR_LABELS + "release"
VERSION = 1
# What a Dockerfile's parser takes as one line, as which engines read the label.
_LONGEST = 60_000
_DIGEST = re.compile("[0-9a-f]{64}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


class Image(NamedTuple):
    """The image of a service: its id on the engine, and the reference as declared."""

    id: str
    reference: str


Images = Mapping[str, Image]


@dataclass(frozen=True)
class Release:
    """What was up at a time (UTC): `declared` and `file` are digests of the declaration, as it
    counts (release_digest.py), and of the file that has it; `images` are by service."""

    project: str
    serial: int
    time: str
    declared: str
    file: str
    images: Images

    @property
    def name(self) -> str:
        """The reference of its image."""
        return release_name(self.project, self.serial)

    def is_same(self, declared: str, images: Images) -> bool:
        """Tell whether it is a declaration with these images."""
        return self.declared == declared and dict(self.images) == dict(images)

    def public(self) -> Dict[str, Any]:
        """Return what a result says of it."""
        images = {service: image._asdict() for service, image in sorted(self.images.items())}
        return {"serial": self.serial, "time": self.time, "images": images}

    def label(self) -> str:
        """Return the value of its image's label; raise FleetError for one that is too long."""
        images = {service: [*image] for service, image in self.images.items()}
        whole = {**vars(self), "images": images, "v": VERSION}
        text = json.dumps(whole, sort_keys=True, separators=(",", ":"))
        if len(text) > _LONGEST:
            raise FleetError(f"{len(images)} services are more than a release can list")
        return text


@dataclass(frozen=True)
class Kept:
    """All that an engine keeps: releases, the newest first, and by serial the images that have a
    tag, each by its service ("" for the release itself)."""

    releases: Tuple[Release, ...] = ()
    tags: Mapping[int, Mapping[str, str]] = field(default_factory=dict)

    @property
    def newest(self) -> Optional[Release]:
        """The last one that was kept."""
        return self.releases[0] if self.releases else None

    @property
    def next(self) -> int:
        """The serial of the next one."""
        return max(self.tags, default=0) + 1

    def lacks(self, release: Release) -> List[str]:
        """Return the services whose image a release does not keep on the engine any more."""
        tags = self.tags[release.serial]
        return [name for name, image in release.images.items() if tags.get(name) != image.id]


def kept_request(project: str) -> Request:
    """Return the read that tells of the releases of a project."""
    return "/images/json", {"filters": {"reference": [f"{REPOSITORY}:{project}.*"]}}


def read_kept(client: Client, project: str) -> Kept:
    """Ask an engine for the releases of a project."""
    return kept_of(project, client.get(*kept_request(project)) or ())


def kept_of(project: str, listed: Iterable[Mapping[str, Any]]) -> Kept:
    """Return the releases of a project, given a list of images."""
    releases: List[Release] = []
    tags: Dict[int, Dict[str, str]] = {}
    for entry in listed:
        # Engines differ in which further names they give.
        for reference in map(short, entry.get("RepoTags") or ()):
            parts = read_name(reference)
            if parts is None or parts[0] != project:
                continue
            _project, serial, service = parts
            tags.setdefault(serial, {})[service] = str(entry.get("Id"))
            if not service:
                label = (entry.get("Labels") or {}).get(LABEL)
                releases += _release(parse(label), project, serial)
    newest_first = sorted(releases, key=lambda release: -release.serial)
    return Kept(tuple(newest_first), tags)


def _release(label: Mapping[str, Any], project: str, serial: int) -> List[Release]:
    """Return the release of which a label tells, none if it is another's, or nobody's."""
    at, declared, file = texts = [str(label.get(key)) for key in ("time", "declared", "file")]
    images = label.get("images")
    sound = (
        label.get("v") == VERSION
        and (label.get("project"), label.get("serial")) == (project, serial)
        and _TIME.fullmatch(at)
        and all(_DIGEST.fullmatch(text) for text in texts[1:])
        and isinstance(images, dict)
        and all(_is_image(image) for image in images.values())
    )
    if not sound or not isinstance(images, dict):
        return []
    by_service = {service: Image(*image) for service, image in images.items()}
    return [Release(project, serial, at, declared, file, by_service)]


def _is_image(value: Any) -> bool:
    return isinstance(value, list) and [type(part) for part in value] == [str, str]
