# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way back to a release: what it declared, with the images that it ran and today's secrets.

It leads to the last release that was kept; if that is what the files declare, and their references
mean the same images on the engine, to the one before it. A release that was returned from is
removed once the other is up: so the next run finds nothing to do, whatever the files declare.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ..._desired.errors import Faults, FleetError, InvalidOption
from ..client.engine import Client
from ..values.release_tags import release_name
from .desired import Desired, desired_of
from .release_digest import digest_of
from .release_file import read_file
from .release_secrets import Place, opening
from .releases import Image, Images, Kept, Release, read_kept

_DECLARED = ("services", "networks", "volumes", "configs")
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
    today = desired.options.get("secret_values") or {}
    whole, secrets = with_secrets(release, read_file(client, release), today)
    params = {**desired.options, "project": _project(release, whole), "secret_values": secrets}
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


def with_secrets(
    release: Release, whole: Mapping[str, Any], today: Mapping[str, Any]
) -> Tuple[Mapping[str, Any], Dict[str, Any]]:
    """Return what a release declares with the secrets that it repeats, and those that it needs as
    a task has them in `secret_values`; all have the values of `today`, since none is ever kept.

    Raise InvalidOption with all that is missing.
    """
    lacking: Dict[Place, None] = {}
    repeated = opening(today, lambda place: lacking.update({place: None}))
    declared = {key: repeated(entry) if key in _DECLARED else entry for key, entry in whole.items()}
    environment = {
        service: {name: _given(today, lacking, "environment", service, name) for name in names}
        for service, names in whole["environment"].items()
    }
    secrets = {key: _given(today, lacking, "secrets", key) for key in _secret_keys(declared)}
    faults = Faults()
    for place in lacking:
        with faults:
            raise _missing(release, place)
    faults.tell()
    configs = {key: _content(entry) for key, entry in declared["configs"].items()}
    return declared, {"environment": environment, "secrets": secrets, "configs": configs}


def _given(today: Mapping[str, Any], lacking: Dict[Place, None], *place: str) -> Any:
    value: Any = today
    for key in place:
        value = (value or {}).get(key)
    if value is None:
        lacking[place] = None
    return value


def _content(entry: Mapping[str, Any]) -> str:
    """Return the content of a config in base64."""
    if "text" in entry:
        return b64encode(str(entry["text"]).encode()).decode()
    return str(entry["base64"])


def _missing(release: Release, place: Place) -> InvalidOption:
    what, where = "its content", ".".join(place)
    if place[0] == "environment":
        what, where = f"the variable {place[-1]}", f"services.{place[1]}.env_file.{place[-1]}"
    return InvalidOption(
        f"release {release.serial} needs {what}, which the files do not give",
        option=where,
        hint="no release keeps a secret: declare it as it was, with the value that holds now",
    )


def _secret_keys(whole: Mapping[str, Any]) -> List[str]:
    uses = [entry.get("secrets") or () for entry in whole["services"].values()]
    return sorted({str(secret["source"]) for used in uses for secret in used})
