# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A project of Compose files: services and what they use, as a whole host can be told."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple

from ...module_utils._desired.errors import InvalidOption
from ...module_utils._engine.values.compose_words import PROJECT_NAME
from . import defaults
from .consistency import errors
from .contents import content_of, with_files
from .document import Source, Sources
from .forms import text
from .interpolation import Notes, interpolated, variables
from .reader import Located, Origin, Read, Reader, join
from .sources import Files

_ALL = "*"

Entries = Dict[str, Dict[str, Any]]


@dataclass(frozen=True, repr=False)
class Project:
    """What Compose files declare; it holds secrets, and has no printed form.

    `services` are in the long form that `docker compose config` prints, with these differences:
    what comes from env files is in `secret_environment` and may not be shown; a bind's source is
    absolute, or relative to the project's folder on the host and then begins with a point
    (`is_relative`); permissions are octal digits. `networks` and `volumes` have their names
    on the engine as `name`; `configs` and `secrets` are `name` and `content`, bytes. Only what
    enabled services use is there. `disabled` are the services that profiles leave out, `warnings`
    texts for the user.
    """

    name: str
    services: Entries
    networks: Entries
    volumes: Entries
    configs: Entries
    secrets: Entries
    disabled: Tuple[str, ...]
    warnings: Tuple[str, ...]


def load(
    sources: Sequence[Source],
    *,
    name: str = "",
    environment: Optional[Mapping[str, str]] = None,
    env_files: Sequence[str] = (),
    profiles: Sequence[str] = (),
    basedir: str = "",
    read: Optional[Read] = None,
) -> Project:
    """Return the project of Compose files and inline definitions, later ones laid over earlier.

    A source is a path, relative to `basedir`, or a mapping of plain values. Relative paths in all
    of them are taken from the folder of the first file, `basedir` if there is none. Variables are
    those of `environment` and, below them, of the env files (`.env` in that folder if none are
    named); the environment of this process counts for nothing. `read` takes a path and returns
    bytes, or raises FileNotFoundError. Raise InvalidOption for all faults, each with file, line
    and key path.
    """
    first = next((entry for entry in sources if isinstance(entry, str)), None)
    folder = os.path.abspath(basedir or ".")
    start = folder
    if first is not None:
        folder = os.path.dirname(os.path.normpath(os.path.join(folder, first)))
    return _Load(Reader(read), folder, start, bool(first)).project(
        sources, name, environment or {}, env_files, profiles
    )


class _Load:
    def __init__(self, reader: Reader, folder: str, start: str, has_file: bool) -> None:
        self.reader, self.folder, self.start, self.has_file = reader, folder, start, has_file
        self.notes = Notes()
        self.sources = Sources(reader, self.notes, folder)
        self.faults = self.sources.faults
        self.known: Dict[str, str] = {}
        self.origins: List[Origin] = []

    def project(
        self,
        sources: Sequence[Source],
        name: str,
        environment: Mapping[str, str],
        env_files: Sequence[str],
        profiles: Sequence[str],
    ) -> Project:
        given = {str(key): text(value, f"environment.{key}") for key, value in environment.items()}
        with self.faults:
            files = [
                join(self.start, path, f"env_files[{number}]")
                for number, path in enumerate(env_files)
            ]
            self.known = variables(self.reader, files, self.folder, given, self.notes)
        self.faults.tell()
        loaded = self.documents(sources)
        self.faults.tell()
        name = self.name(name, loaded)
        self.known["COMPOSE_PROJECT_NAME"] = name
        loading = Files(self.sources)
        paths = [entry for entry in sources if isinstance(entry, str)]
        chain = tuple(os.path.normpath(os.path.join(self.start, path)) for path in paths[:1])
        total = loading.load(loaded, self.known, self.folder, chain)
        self.origins = loading.origins
        self.faults.tell()
        wanted = profiles or self.known.get("COMPOSE_PROFILES", "").split(",")
        enabled, disabled = _by_profile(total.get("services") or {}, wanted)
        return self.finished(name, total, enabled, disabled)

    def documents(self, sources: Sequence[Source]) -> List[Any]:
        result = []
        inline = sum(not isinstance(entry, str) for entry in sources)
        for number, source in enumerate(sources):
            where = "definition" if inline == 1 else f"definition[{number}]"
            where = f"files[{number}]" if isinstance(source, str) else where
            with self.faults:
                result += self.sources.documents(source, self.start, where)
        if not result and not self.faults.errors:
            hint = "write services: first"
            raise InvalidOption("the Compose files are empty", option="files", hint=hint)
        return result

    def name(self, given: str, loaded: Sequence[Any]) -> str:
        """Return the project's name: the task's, or that of variables, files, folder."""
        if given:
            return _checked(given, "name")
        if self.known.get("COMPOSE_PROJECT_NAME"):
            return _checked(self.known["COMPOSE_PROJECT_NAME"], "COMPOSE_PROJECT_NAME")
        for value, origin in reversed(loaded):
            written = value.get("name") if isinstance(value, Mapping) else None
            if written is None:
                continue
            with Located(self.faults, [origin]):
                top = {"name": str(written)}
                top = interpolated(top, self.known, self.notes, origin.prefix)
                return self._written(top["name"], origin)
            self.faults.tell()
        result = _normal(os.path.basename(self.folder)) if self.has_file else ""
        if not result:
            raise InvalidOption("is required", option="name", hint="it is the project's name")
        return result

    def _written(self, name: str, origin: Origin) -> str:
        """Return the name in a file in lower case and without what a name cannot have."""
        result = _normal(name)
        where = f"{origin.prefix}name"
        if not result:
            return _checked(name, where)
        if result != name:
            self.notes.add(
                f"{origin.place(where)}: '{name}' is no project's name; {result} is taken"
            )
        return result

    def finished(
        self, name: str, total: Mapping[str, Any], enabled: Entries, disabled: Tuple[str, ...]
    ) -> Project:
        services = {
            key: defaults.service(key, entry, self.known, self.notes)
            for key, entry in enabled.items()
        }
        declared = {
            key: defaults.resources(total.get(key), name)
            for key in ("networks", "volumes", "configs", "secrets")
        }
        if any("default" in (entry.get("networks") or ()) for entry in services.values()):
            declared["networks"].setdefault("default", {"name": f"{name}_default"})
        for error in errors(services, disabled, declared):
            with Located(self.faults, self.origins):
                raise error
        used = _used(services)
        result = {key: _kept(declared[key], used[key]) for key in ("networks", "volumes")}
        for section in ("configs", "secrets"):
            result[section] = self.contents(section, _kept(declared[section], used[section]))
        services = self.with_files(services)
        self.faults.tell()
        warnings = tuple(self.notes.texts)
        return Project(name, services, disabled=disabled, warnings=warnings, **result)

    def contents(self, section: str, entries: Entries) -> Entries:
        result: Entries = {}
        for key, entry in entries.items():
            with Located(self.faults, self.origins):
                where = f"{section}.{key}"
                result[key] = content_of(entry, where, self.reader, self.known)
        return result

    def with_files(self, services: Entries) -> Entries:
        result: Entries = {}
        for key, entry in services.items():
            with Located(self.faults, self.origins):
                where = f"services.{key}"
                result[key] = with_files(entry, where, self.reader, self.known, self.notes)
        return result


def _normal(name: str) -> str:
    return re.sub(r"[^a-z0-9_-]", "", name.lower()).lstrip("_-")


def _checked(name: str, where: str) -> str:
    if not PROJECT_NAME.fullmatch(name):
        hint = "lower-case letters, digits, _ and -, a letter or a digit first"
        raise InvalidOption(f"'{name}' is not a project's name", option=where, hint=hint)
    return name


def _by_profile(
    services: Mapping[str, Any], wanted: Sequence[str]
) -> Tuple[Entries, Tuple[str, ...]]:
    """Return the enabled services, and the names of the others.

    Compose Specification, profiles: a service without profiles is always there; `*` means all.
    """
    active = {entry.strip() for entry in wanted}
    enabled: Entries = {}
    disabled = []
    for name, entry in services.items():
        given = (entry or {}).get("profiles")
        if not given or _ALL in active or active.intersection(given):
            enabled[name] = entry or {}
        else:
            disabled.append(name)
    return enabled, tuple(disabled)


def _used(services: Entries) -> Dict[str, List[str]]:
    """Return the names of networks and the like that services use."""
    result: Dict[str, List[str]] = {"networks": [], "volumes": [], "configs": [], "secrets": []}
    for entry in services.values():
        result["networks"] += entry.get("networks") or ()
        result["volumes"] += [
            mount.get("source", "")
            for mount in entry.get("volumes") or ()
            if mount["type"] == "volume"
        ]
        for key in ("configs", "secrets"):
            result[key] += [mount["source"] for mount in entry.get(key) or ()]
        build = entry.get("build") or {}
        result["secrets"] += [mount["source"] for mount in build.get("secrets") or ()]
    return result


def _kept(entries: Entries, names: Iterable[str]) -> Entries:
    wanted = set(names)
    return {key: entry for key, entry in entries.items() if key in wanted}
