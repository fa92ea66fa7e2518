# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is of a project: its containers, networks and volumes, by Compose's labels."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from ..values.compose_words import NUMBER, ONEOFF, PROJECT, SERVICE
from ..values.labels import own_labels
from .service import Replica

# What a replacement is called before it takes over, and what it replaces after that.
_TEMPORARY = re.compile(r"[0-9a-f]{12}_(?P<name>.+)|(?P<old>.+)\.old-(?P<id>[0-9a-f]{12})")


@dataclass(frozen=True)
class Observed:
    """One look at what an engine has of a project.

    `names` are the containers of services by their number, `extra` further containers that have
    the project's label, each with its service; `newest` are all of them, the one that was created
    last first. `listed` are all of them as an engine lists them. `networks` and `volumes` are names
    of those that have the label.
    """

    names: Mapping[Replica, str] = field(default_factory=dict)
    extra: Mapping[str, str] = field(default_factory=dict)
    newest: Tuple[str, ...] = ()
    networks: Tuple[str, ...] = ()
    volumes: Tuple[str, ...] = ()
    listed: Tuple[Mapping[str, Any], ...] = ()


def observed_of(
    project: str,
    containers: Iterable[Mapping[str, Any]],
    bases: Mapping[str, Mapping[str, Any]],
    networks: Optional[Iterable[Mapping[str, Any]]],
    volumes: Optional[Iterable[Mapping[str, Any]]],
) -> Observed:
    """Return what there is of a project, given lists of an engine.

    `containers` are those that have the project's label, `bases` the configurations of their
    images by id: a label that an image brings along says nothing.
    """
    names: Dict[Replica, str] = {}
    extra: Dict[str, str] = {}
    newest: List[str] = []
    listed: List[Mapping[str, Any]] = []
    for entry in sorted(containers, key=_age):
        image = str(entry.get("ImageID"))
        labels = own_labels(entry.get("Labels"), image, bases.get(image))
        if labels.get(PROJECT) != project or labels.get(ONEOFF) == "True":
            continue
        name, service = base_name(entry), str(labels.get(SERVICE))
        newest.insert(0, name)
        listed.append(entry)
        number = str(labels.get(NUMBER))
        replica = (service, int(number) if re.fullmatch(r"[0-9]{1,9}", number) else 0)
        if replica[1] and names.setdefault(replica, name) == name:
            continue
        extra[name] = service
    kept = tuple(dict.fromkeys(newest))
    others = _labelled(project, networks), _labelled(project, volumes)
    return Observed(names, extra, kept, *others, tuple(listed))


def _age(entry: Mapping[str, Any]) -> Tuple[int, str, str]:
    """Return what orders listed containers by their creation, those of one second by name."""
    name = base_name(entry)
    return int(entry.get("Created") or 0), name.rstrip("0123456789"), name.rjust(300)


def labelled(project: str, containers: Any) -> List[Mapping[str, Any]]:
    """Return the listed containers that have a project's label, their own or their image's."""
    return [
        entry for entry in containers or () if (entry.get("Labels") or {}).get(PROJECT) == project
    ]


def base_name(entry: Mapping[str, Any]) -> str:
    """Return the name of a listed container, without what a replacement makes of it."""
    own = [str(name)[1:] for name in entry.get("Names") or () if str(name).count("/") == 1]
    name = own[0] if own else str(entry.get("Id"))
    match = _TEMPORARY.fullmatch(name)
    # One that was set aside is called by its own id; others may be called alike by hand.
    if match is None or not str(entry.get("Id")).startswith(match["id"] or ""):
        return name
    return str(match["name"] or match["old"])


def _labelled(project: str, entries: Optional[Iterable[Mapping[str, Any]]]) -> Tuple[str, ...]:
    result: List[str] = [
        str(entry.get("Name"))
        for entry in entries or ()
        if (entry.get("Labels") or {}).get(PROJECT) == project
    ]
    return tuple(sorted(set(result)))
