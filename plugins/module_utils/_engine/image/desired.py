# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an image should be: the task's options, checked and in canonical form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Dict, Mapping, Optional, Sequence, Tuple

from ..._desired.errors import InvalidOption
from ..._desired.schema import argument_spec, declare
from ..client.options import LIMITS
from ..values.image_reference import parse_id
from .building.desired import Build, make_build
from .fields import FIELDS
from .pull import Account

if TYPE_CHECKING:
    from .offer import Origin
    from .source import Source


def spec() -> Dict[str, Any]:
    """Return the argument spec of an image without the connection's options.

    `_context` and `_source` are internal: the context, or what is in the archive, as the action
    plugin read it on the controller; and so is `_origin`, its way to the engine of another host.
    """
    internal: Dict[str, Any] = {
        name: {"type": "raw"} for name in ("_context", "_source", "_origin")
    }
    return {**argument_spec(FIELDS), **internal}


_PAST = {"build": "built", "load": "loaded", "import.path": "imported", "from_host": "taken"}


@dataclass(frozen=True)
class Desired:
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
    source: Optional[Source] = None
    save: str = ""
    keeps_name: bool = False
    origin: Optional[Origin] = None
    names: Tuple[str, ...] = ()

    @property
    def by_id(self) -> bool:
        """Tell if the image is called by its id: it is on the engine, or nowhere."""
        return bool(parse_id(self.name))

    @property
    def pulls(self) -> bool:
        """Tell if the image comes from a registry."""
        return self.build is None and self.source is None and self.origin is None

    @property
    def pushed(self) -> Tuple[str, ...]:
        """The references to push: with other tags, not the one that the image is pulled by, unless
        it is among them (`back`)."""
        if not self.push:
            return ()
        return (self.name, *self.tags) if self.keeps_name or not self.pulls else self.tags

    @property
    def address(self) -> str:
        """The image's name in plans, or that of an archive or a list if all images are meant."""
        return f"image/{self.name or (self.source.file if self.source else ','.join(self.names))}"


def desired_of(params: Mapping[str, Any]) -> Desired:
    """Return the declared image of a task's options.

    Raise InvalidOption for anything that cannot be right whatever the host looks like, a context
    that cannot be read included.
    """
    declared = {"name": "", **declare(FIELDS, params)}
    state = declared.get("state", "present")
    building = params.get("build") is not None and state == "present"
    _check_name(declared, state)
    _check_conflicts(declared, building)
    _check_words(declared["name"], params)
    build = _build(declared, params) if building else None
    if build is not None and declared["name"] in build.bases:
        raise InvalidOption(
            f"it builds {declared['name']} FROM itself, so that every build would require "
            "another one",
            option="build.dockerfile",
            hint="give the base image another tag",
        )
    return Desired(
        name=declared["name"],
        state=state,
        force=declared.get("force", False),
        protect=declared.get("protect", False),
        allow=tuple(declared.get("allow", LIMITS)),
        pull_policy=declared.get("pull_policy", "missing"),
        build=build,
        platform=declared.get("platform", ""),
        tags=_tags(declared, building),
        push=declared.get("push", False),
        account=_account(declared),
        source=_source(params, declared["name"]) if state == "present" else None,
        save=_save(declared) if state == "present" else "",
        keeps_name=declared["name"] in declared.get("tags", (declared["name"],)),
        origin=_origin(declared, params) if state == "present" else None,
        names=declared.get("names", ()) if state == "present" else (),
    )


def _origin(declared: Mapping[str, Any], params: Mapping[str, Any]) -> Optional[Origin]:
    """Return the way to the engine of another host; the controller alone has one."""
    if "from_host" not in declared:
        return None
    origin: Optional[Origin] = params.get("_origin")
    if origin is None:
        raise InvalidOption(
            "images go by the controller, and this task runs on the host",
            option="from_host",
            hint="leave out async, and use engine_via: channel to see what is in the way",
        )
    return origin


def _source(params: Mapping[str, Any], name: str) -> Optional[Source]:
    """Return the archive: as the action plugin has read it, or read on this machine."""
    if not params.get("load") and not params.get("import"):
        return None
    from .source import Source, read_source

    given = params.get("_source")
    if isinstance(given, Mapping):
        return Source.of(given)
    return given if given is not None else read_source(params, name)


def _save(declared: Mapping[str, Any]) -> str:
    import os

    path = str(declared.get("save") or "")
    if path and not (os.path.isabs(path) and os.path.isdir(os.path.dirname(path))):
        raise InvalidOption(
            f"there is no folder for {path}",
            option="save",
            hint="write the absolute path of a file",
        )
    return path


def _tags(declared: Mapping[str, Any], building: bool) -> Tuple[str, ...]:
    more = declared.get("build.tags", ()) if building else ()
    tags = dict.fromkeys([*declared.get("tags", ()), *more])
    return tuple(tag for tag in tags if tag != declared["name"])


def _build(declared: Mapping[str, Any], params: Mapping[str, Any]) -> Build:
    given = params.get("_context")
    # What the controller has read is here only if it can be sent from here.
    here = declared.get("remote_src", False) or not isinstance(given, Mapping)
    return make_build(declared, given, declared.get("build_secrets", {}), here)


def _account(declared: Mapping[str, Any]) -> Optional[Account]:
    """Return what the task gives for a registry: that of the image's name, if none is named."""
    user, password = declared.get("registry_username"), declared.get("registry_password")
    if user is None and password is None and "registry" not in declared:
        return None
    if not user or not password:
        missing = "registry_password" if user else "registry_username"
        raise InvalidOption("is missing", option=missing, hint="user name and password go together")
    from ..registry.credentials import HUB, Login, registry_of

    name = (declared.get("tags") or ("",))[0] if parse_id(declared["name"]) else declared["name"]
    host = declared.get("registry") or registry_of(name)
    registry = HUB if host in ("docker.io", "index.docker.io", HUB) else registry_of(f"{host}/x")
    if host not in (registry, "docker.io", "index.docker.io"):
        raise InvalidOption(
            f"'{host}' is not the host of a registry",
            option="registry",
            hint="write host[:port], such as registry.example.com:5000",
        )
    return Account(registry, Login(user, password))


def _check_name(declared: Mapping[str, Any], state: str) -> None:
    """Raise InvalidOption for what cannot do without a name."""
    names = declared.get("names")
    if names and (declared["name"] or "from_host" not in declared):
        hint = "give one name, or names and from_host"
        raise InvalidOption("is for images of another host", option="names", hint=hint)
    if declared["name"]:
        return
    if not ("load" in declared or names) or state != "present":
        hint = "only load works without one, and then loads all images of its archive"
        raise InvalidOption("is required", option="name", hint=hint)
    for option in ("tags", "push", "save"):
        if declared.get(option):
            hint = "give the name of one image" + " of the archive" * (not names)
            raise InvalidOption("is about one image", option=option, hint=hint)


def _check_conflicts(declared: Mapping[str, Any], building: bool) -> None:
    sources = ["build"] * building + [
        entry for entry in ("load", "import.path", "from_host") if entry in declared
    ]
    if "from_engine_host" in declared and "from_host" not in declared:
        raise InvalidOption(
            "is the engine of another host",
            option="from_engine_host",
            hint="give from_host as well",
        )
    if len(sources) > 1:
        raise InvalidOption(
            f"excludes {sources[0].partition('.')[0]}",
            option=sources[1].partition(".")[0],
            hint="leave out one",
        )
    if sources and "pull_policy" in declared:
        raise InvalidOption(
            f"is for images that are pulled, but this one is {_PAST[sources[0]]}",
            option="pull_policy",
            hint="leave it out"
            + "; build.pull: true asks the registry for newer base images" * building,
        )
    if "build_secrets" in declared and not building:
        raise InvalidOption(
            "is for images that are built", option="build_secrets", hint="leave it out"
        )
    if sources and "platform" in declared:
        raise InvalidOption(
            "is for images that are pulled",
            option="platform",
            hint="write build.platforms for one that is built",
        )
    _check_push(declared, bool(sources))
    _check_kind_of_name(declared, sources)


def _check_kind_of_name(declared: Mapping[str, Any], sources: Sequence[str]) -> None:
    name = declared["name"]
    if sources and ("@" in name or parse_id(name)):
        kind = "a digest" if "@" in name else "an id"
        raise InvalidOption(
            f"what is {_PAST[sources[0]]} cannot be named by {kind}",
            option="name",
            hint="write a tag, such as app:1",
        )
    if parse_id(name) and (
        declared.get("pull_policy", "never") != "never" or "platform" in declared
    ):
        raise InvalidOption(
            "nothing can be pulled by its id",
            option="pull_policy" if "pull_policy" in declared else "platform",
            hint="leave it out, or call the image by its name",
        )


def _check_push(declared: Mapping[str, Any], result: bool) -> None:
    """Raise InvalidOption for a push of what has no name, or of what was just asked for anew."""
    name = declared["name"]
    keeps_name = name in declared.get("tags", (name,))
    if not declared.get("push") or result or not keeps_name:
        return
    if parse_id(name) or "@" in name:
        raise InvalidOption(
            f"an image is pushed by a tag, and {name} is none",
            option="push",
            hint="list under tags what is to be pushed",
        )
    if declared.get("pull_policy", "missing") not in ("missing", "never"):
        raise InvalidOption(
            f"{name} is pulled anew first, so there would be nothing to push",
            option="push",
            hint="leave out pull_policy, or list under tags what is to be pushed",
        )


def _check_words(name: str, params: Mapping[str, Any]) -> None:
    """Raise InvalidOption for a tag alone, which would be the name of another image."""
    given = {"tags": params.get("tags"), "build.tags": (params.get("build") or {}).get("tags")}
    base = name.partition("@")[0]
    base = base[: base.rfind(":")] if base.rfind(":") > base.rfind("/") else base
    for option, words in given.items():
        for number, entry in enumerate(words or ()):
            word = str(entry)
            if any(sign in word for sign in "/:@") or word == base.rpartition("/")[2]:
                continue
            whole = f"{base}:{word}" if not parse_id(name) else f"NAME:{word}"
            raise InvalidOption(
                f"'{word}' is a name without a tag, the image {word}:latest",
                option=f"{option}[{number}]",
                hint=f"write {whole}, or {word}:latest if that is what is meant",
            )
