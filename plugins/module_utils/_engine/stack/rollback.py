# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way back to a release: what it declared, with the images that it ran and today's secrets.

It leads to the last release that was kept; if that is what the files declare, and their references
mean the same images on the engine, to the one before it. A release that was returned from is
removed once the other is up: so the next run finds nothing to do, whatever the files declare.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional

from ..._desired.errors import Faults, FleetError, InvalidOption
from ..client.engine import Client
from ..values.release_tags import release_name
from .desired import Desired, desired_of
from .release_digest import digest_of
from .release_file import read_file
from .releases import Image, Images, Kept, Release, read_kept

_HINT = "a release is kept when a task with keep_releases has come up"


def returned(client: Optional[Client], desired: Desired) -> Desired:
    """Return what the release declares that a stack is to go back to.

    Raise FleetError if there is none, or it cannot be made again.
    """
    if client is None:
        raise _no_release(desired, "there is no engine yet")
    kept = read_kept(client, desired.name)
    release = _chosen(client, desired, kept)
    lacks = kept.lacks(release)
    if lacks:
        raise FleetError(
            f"release {release.serial} lacks its image of {', '.join(lacks)}",
            address=desired.address,
            hint=f"somebody has removed tags; remove {release.name} as well to go further back",
        )
    whole = read_file(client, release)
    params = {
        **desired.options,
        "project": _project(release, whole),
        "secret_values": _secret_values(release, whole, desired.options.get("secret_values") or {}),
    }
    return replace(desired_of(params), release=release)


def _chosen(client: Client, desired: Desired, kept: Kept) -> Release:
    releases = list(kept.releases)
    if releases and releases[0].is_same(digest_of(desired), _images_now(client, desired)):
        del releases[0]
    if not releases:
        text = "there is no earlier release" if kept.releases else "no release is kept"
        raise _no_release(desired, text)
    return releases[0]


def _no_release(desired: Desired, text: str) -> FleetError:
    return FleetError(text, address=desired.address, option="rollback", hint=_HINT)


def _images_now(client: Client, desired: Desired) -> Images:
    """Return the images of the services as their references are understood now."""
    references = {
        service: container.reference for (service, _number), container in desired.containers.items()
    }
    answers = client.get_all([(f"/images/{ref}/json", None) for ref in references.values()])
    return {
        service: Image(str(answer.get("Id")) if isinstance(answer, dict) else "", reference)
        for (service, reference), answer in zip(references.items(), answers)
    }


def _project(release: Release, whole: Mapping[str, Any]) -> Dict[str, Any]:
    """Return a release's project as the action plugin hands one over, which pulls nothing."""
    services = {
        name: {**entry, "pull_policy": "never"} for name, entry in whole["services"].items()
    }
    for service in release.images:
        if service in services:
            services[service]["image"] = release_name(release.project, release.serial, service)
    parts = {key: whole[key] for key in ("networks", "volumes", "disabled")}
    return {"name": release.project, "services": services, **parts}


def _secret_values(
    release: Release, whole: Mapping[str, Any], today: Mapping[str, Any]
) -> Dict[str, Any]:
    """Return the secrets that a release needs, with today's values: none is ever kept."""
    faults = Faults()
    environment: Dict[str, Dict[str, Any]] = {}
    secrets: Dict[str, Any] = {}
    for service, names in whole["environment"].items():
        given = (today.get("environment") or {}).get(service) or {}
        environment[service] = {str(name): given.get(name) for name in names}
        for name in sorted(set(environment[service]) - set(given)):
            with faults:
                raise _missing(release, f"the variable {name}", f"services.{service}.env_file")
    for key in _secret_keys(whole):
        given = today.get("secrets") or {}
        secrets[key] = given.get(key)
        if key not in given:
            with faults:
                raise _missing(release, "its content", f"secrets.{key}")
    faults.tell()
    return {"environment": environment, "secrets": secrets, "configs": whole["configs"]}


def _missing(release: Release, what: str, where: str) -> InvalidOption:
    return InvalidOption(
        f"release {release.serial} needs {what}, which the files do not give",
        option=where,
        hint="no release keeps a secret: declare it as it was, with the value that holds now",
    )


def _secret_keys(whole: Mapping[str, Any]) -> List[str]:
    uses = [entry.get("secrets") or () for entry in whole["services"].values()]
    return sorted({str(secret["source"]) for used in uses for secret in used})
