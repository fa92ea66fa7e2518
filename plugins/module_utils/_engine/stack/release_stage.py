# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The releases as a part of a stack's plan. A task that is not about any does not load this."""

from __future__ import annotations

from typing import Dict, Mapping, Tuple

from ..._desired.part import Part
from .container import ServiceDesired
from .desired import Desired
from .observed import Observed
from .release_digest import digest_of
from .release_file import file_of
from .release_part import RELEASES
from .release_part import Desired as Kept
from .service import Replica


def releases_part(desired: Desired, containers: Mapping[Replica, ServiceDesired]) -> Part:
    """Return the part that keeps a stack as a release, given its containers by their names; after
    a rollback, the one that removes the releases of later ones."""
    if desired.release is not None:
        return Part(RELEASES, Kept(desired.name, newest=desired.release.serial))
    services: Dict[str, Tuple[str, str]] = {}
    for (service, _number), container in containers.items():
        services.setdefault(service, (container.name, container.reference))
    whole = Kept(
        desired.name,
        keep=desired.options["keep_releases"],
        declared=digest_of(desired),
        file=lambda: file_of(desired),
        services=services,
    )
    return Part(RELEASES, whole)


def leaving_releases(desired: Desired, observed: Observed) -> Part:
    """Return the part that removes all releases of a stack, once its containers are gone."""
    going = frozenset(observed.newest)
    return Part(RELEASES, Kept(desired.name, state="absent", going=going))
