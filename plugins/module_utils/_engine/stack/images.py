# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images that a stack's services need: pulled, or built from contexts on the controller."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Tuple

from ..._desired.errors import Faults, InvalidOption
from ..image.desired import Desired as Image
from ..image.desired import desired_of as image_of
from ..image.desired import spec as image_spec
from .service import Project, image_name


def images_of(project: Project, options: Mapping[str, Any]) -> List[Image]:
    """Return the images of a project, each once; raise InvalidOption with all that is wrong.

    A service with `build` has its image built, whatever its pull policy, unless that is `never`.
    """
    faults = Faults()
    result: Dict[Tuple[str, str], Image] = {}
    for service, entry in project.services.items():
        with faults:
            for image in _of_service(project, service, entry, options):
                known = result.get((image.name, image.platform))
                # What one service builds, others may run.
                if known is None or (known.build is None and image.build is not None):
                    result[image.name, image.platform] = image
    faults.tell()
    return list(result.values())


def _of_service(
    project: Project, service: str, entry: Mapping[str, Any], options: Mapping[str, Any]
) -> List[Image]:
    name, policy = image_name(project.name, service, entry), entry.get("pull_policy")
    if policy == "never" or not name:
        return []
    params: Dict[str, Any] = {"name": name, "allow": options["allow"]}
    if entry.get("build"):
        params.update(_build(project, service, entry["build"]))
    else:
        platform = entry.get("platform")
        params.update(pull_policy=_policy(service, policy), platform=platform)
    try:
        return [image_of(params)]
    except InvalidOption as error:
        for part in error.parts:
            option = "image" if part.option in (None, "name") else part.option
            part.option = f"services.{service}.{option}"
        raise


def _policy(service: str, policy: Any) -> str:
    if policy == "build":
        hint = "write what to build, or another policy"
        where = f"services.{service}.pull_policy"
        raise InvalidOption("is build, and there is no build", option=where, hint=hint)
    return str(policy or "missing")


def _build(project: Project, service: str, build: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the options of an image that is built."""
    known = image_spec()["build"]["options"]
    unknown = sorted(key for key in build if key not in known)
    if unknown:
        where = f"services.{service}.build.{unknown[0]}"
        raise InvalidOption("is not supported by builds", option=where, hint="leave it out")
    secrets = project.contents["secrets"]
    entries = [
        {key: entry[key] for key in ("source", "target") if entry.get(key)}
        for entry in build.get("secrets") or ()
    ]
    values = {
        entry["source"]: secrets[entry["source"]].decode("utf-8", "replace") for entry in entries
    }
    return {
        "build": {**build, "secrets": entries or None},
        "build_secrets": values or None,
    }
