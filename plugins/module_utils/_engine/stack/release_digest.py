# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A digest of what a stack declares, by which one release is told from the next."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Dict, Mapping, Set

from ..._desired.values import canonical
from ..container.fields import declared_subjects, rows
from .desired import Desired
from .files import File
from .release_secrets import Turn, sealing


def digest_of(desired: Desired) -> str:
    """Return a digest of what a stack's containers, networks and volumes should be.

    What says nothing about them is not in it, such as the order of ports. No secret is: of
    variables from files their names count, of secrets the paths. Images count beside it, by id.
    """
    seal = sealing(desired.project)
    services: Dict[str, Any] = {}
    for (service, _number), container in desired.containers.items():
        if service in services:
            services[service]["replicas"] += 1
            continue
        files = {
            path: (file.option, file.owner, file.mode, _content(file, seal))
            for path, file in container.files.items()
        }
        values = seal(_comparable(container.declared))
        services[service] = {"declared": values, "files": files, "replicas": 1}
    project = desired.project
    rest = seal({"networks": project.networks, "volumes": project.volumes})
    return sha256(canonical({"services": services, **rest}).encode()).hexdigest()


def _content(file: File, seal: Turn) -> str:
    if file.option == "secrets":
        return ""
    text = canonical(seal(file.content.decode("utf-8", "surrogateescape")))
    return sha256(text.encode()).hexdigest()


def _comparable(declared: Mapping[str, Any]) -> Dict[str, Any]:
    """Return declared values, those whose order means nothing in one order."""
    known = rows(declared_subjects(declared))
    unordered: Set[str] = {row.name for row in known if row.compare == "set"}
    result = {
        name: sorted(value or (), key=str) if name in unordered else value
        for name, value in declared.items()
        if name != "image"
    }
    if "secret_environment" in result:
        result["secret_environment"] = sorted(result["secret_environment"] or ())
    return result
