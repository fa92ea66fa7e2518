# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an image should be: the task's options, checked and in canonical form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Tuple

from .._desired.errors import InvalidOption
from .._desired.spec import argument_spec, declare
from .dockerfile import base_references
from .image_build_fields import DECIDING
from .image_fields import FIELDS, LIMITS
from .image_pull import Account
from .reference import parse_reference

DOCKERFILE = "Dockerfile"


def spec() -> Dict[str, Any]:
    """Return the argument spec of an image without the connection's options.

    `_context` is internal: the context that the action plugin read on the controller.
    """
    return {**argument_spec(FIELDS), "_context": {"type": "raw"}}


@dataclass(frozen=True)
class Build:
    """How an image is built.

    `context` holds `digest`, `files`, `dockerfile` and either `tar` (a function that yields the
    archive), `archive` (its path on this machine) or neither: then it is still elsewhere.
    `options` are texts by key (`args.VERSION`), all that decides a rebuild; `bases` the
    references that the Dockerfile names, as written.
    """

    context: Mapping[str, Any]
    dockerfile: str
    args: Mapping[str, str]
    labels: Mapping[str, str]
    target: str
    network: str
    no_cache: bool
    pull: bool
    options: Mapping[str, str]
    bases: Tuple[str, ...]


@dataclass(frozen=True)
class Wish:
    """An image as declared; `build` is None for one that is pulled."""

    name: str
    state: str
    force: bool
    protect: bool
    allow: Tuple[str, ...]
    pull_policy: str
    build: Optional[Build]
    platform: str = ""
    tags: Tuple[str, ...] = ()
    push: bool = False
    account: Optional[Account] = None

    @property
    def pulls(self) -> bool:
        """Say if the image comes from a registry."""
        return self.build is None

    @property
    def pushed(self) -> Tuple[str, ...]:
        """The references to push: not the one that the image is pulled by."""
        if not self.push:
            return ()
        return self.tags if self.pulls else (self.name, *self.tags)

    @property
    def address(self) -> str:
        """The image's name in plans."""
        return f"image/{self.name}"


def wish(params: Mapping[str, Any]) -> Wish:
    """Return the declared image of a task's options.

    Raise InvalidOption for anything that cannot be right whatever the host looks like, a context
    that cannot be read included.
    """
    declared = declare(FIELDS, params)
    state = declared.get("state", "present")
    building = params.get("build") is not None and state == "present"
    _check_together(declared, building)
    build = _build(declared, params.get("_context")) if building else None
    if build is not None and declared["name"] in build.bases:
        raise InvalidOption(
            f"it builds {declared['name']} FROM itself, so that every build would call for another",
            option="build.dockerfile",
            hint="give the base image another tag",
        )
    return Wish(
        name=declared["name"],
        state=state,
        force=declared.get("force", False),
        protect=declared.get("protect", False),
        allow=tuple(declared.get("allow", LIMITS)),
        pull_policy=declared.get("pull_policy", "missing"),
        build=build,
        platform=declared.get("platform", ""),
        tags=tuple(tag for tag in declared.get("tags", ()) if tag != declared["name"]),
        push=declared.get("push", False),
        account=_account(declared),
    )


def _account(declared: Mapping[str, Any]) -> Optional[Account]:
    """Return what the task gives for a registry: that of the image's name, if none is named."""
    user, password = declared.get("registry_username"), declared.get("registry_password")
    if user is None and password is None and "registry" not in declared:
        return None
    if not user or not password:
        missing = "registry_password" if user else "registry_username"
        raise InvalidOption("is missing", option=missing, hint="user name and password go together")
    from .credentials import HUB, Login, registry_of

    host = declared.get("registry") or registry_of(declared["name"])
    registry = HUB if host in ("docker.io", "index.docker.io", HUB) else registry_of(f"{host}/x")
    if host not in (registry, "docker.io", "index.docker.io"):
        raise InvalidOption(
            f"'{host}' is not the host of a registry",
            option="registry",
            hint="write host[:port], such as registry.example.com:5000",
        )
    return Account(registry, Login(user, password))


def _check_together(declared: Mapping[str, Any], building: bool) -> None:
    if building and "pull_policy" in declared:
        raise InvalidOption(
            "is for images that are pulled, and this one is built",
            option="pull_policy",
            hint="leave it out; build.pull: true asks the registry for newer base images",
        )
    if building and "platform" in declared:
        raise InvalidOption(
            "is for images that are pulled",
            option="platform",
            hint="write build.platforms for one that is built",
        )
    if declared.get("push") and not building and not declared.get("tags"):
        raise InvalidOption(
            "an image that is pulled is not pushed back by the same name",
            option="push",
            hint="name under tags what is to be pushed",
        )
    if building and "@" in declared["name"]:
        raise InvalidOption(
            "a build cannot be named by a digest", option="name", hint="write a tag, such as app:1"
        )
    if building and "build.context" not in declared:
        raise InvalidOption("is missing", option="build.context", hint="name the folder to build")


def _build(declared: Mapping[str, Any], context: Any) -> Build:
    values = {name[6:]: value for name, value in declared.items() if name.startswith("build.")}
    values.setdefault("dockerfile", DOCKERFILE)
    given = _context(context, values["context"], values["dockerfile"])
    args, target = values.get("args", {}), values.get("target", "")
    return Build(
        context=given,
        dockerfile=values["dockerfile"],
        args=args,
        labels=values.get("labels", {}),
        target=target,
        network=values.get("network", ""),
        no_cache=values.get("no_cache", False),
        pull=values.get("pull", False),
        options=_options(values),
        bases=_bases(given["dockerfile"], args, target),
    )


def _options(values: Mapping[str, Any]) -> Dict[str, str]:
    made: Dict[str, str] = {}
    for key in DECIDING:
        value = values.get(key)
        if isinstance(value, Mapping):
            made.update({f"{key}.{one}": text for one, text in value.items()})
        elif value:
            made[key] = value
    return made


def _bases(text: str, args: Mapping[str, str], target: str) -> Tuple[str, ...]:
    """Return the canonical references of a Dockerfile; the engine reports what cannot be one."""
    found = []
    for base in base_references(text, args, target):
        try:
            found.append(str(parse_reference(base, "build.dockerfile")))
        except InvalidOption:
            continue
    return tuple(dict.fromkeys(found))


def _context(given: Any, path: str, dockerfile: str) -> Dict[str, Any]:
    """Return the context in one form, whoever read it: the action plugin, or nobody yet."""
    if given is None:
        from .context import read_context

        given = read_context(path, dockerfile)
    if isinstance(given, Mapping):
        return dict(given)
    made = {name: getattr(given, name) for name in ("digest", "files", "dockerfile")}
    return {**made, "tar": given.tar}
