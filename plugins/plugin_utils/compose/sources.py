# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compose files read into one model: `include`, `extends`, and files merged in their order."""

from __future__ import annotations

import os
from typing import Any, List, Mapping, Sequence, Tuple

from ...module_utils._desired.errors import InvalidOption
from .document import Model, Sources
from .extends import extended
from .interpolation import variables
from .merge import merged, settled, without_repetitions
from .model import SECTIONS
from .reader import MOST_FILES, Located, Origin, join
from .yaml12 import Override

DEEPEST = 20


class Files:
    """Loads the files of a project, and what they include."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self.origins: List[Origin] = []
        self.includes = 0

    def load(
        self,
        loaded: Sequence[Tuple[Any, Origin]],
        known: Mapping[str, str],
        folder: str,
        chain: Tuple[str, ...],
    ) -> Model:
        """Return documents merged in their order, with what they include and extend."""
        total: Model = {}
        for value, origin in loaded:
            self.origins.append(origin)
            before = len(self.sources.faults.errors)
            part, _is_good = self.sources.read(value, origin, known, folder)
            if part.pop("version", None) is not None:
                self.sources.notes.add(f"{origin.label}: version is obsolete and has no meaning")
            includes = settled(part.pop("include", None))
            with Located(self.sources.faults, [origin]):
                for number, entry in enumerate(includes or ()):
                    where = f"{origin.prefix}include[{number}]"
                    part = _imported(part, self.included(entry, known, folder, chain, where), where)
            if len(self.sources.faults.errors) > before:  # more would follow from these
                continue
            with Located(self.sources.faults, [origin]):
                part = extended(part, self.sources, known, folder, origin)
                total = merged(total, part)
        return _with_contexts(total, folder)

    def included(
        self,
        entry: Mapping[str, Any],
        known: Mapping[str, str],
        folder: str,
        chain: Tuple[str, ...],
        where: str,
    ) -> Model:
        """Return the model of an `include`, which has its own folder and `.env` file."""
        paths = [join(folder, path, where) for path in entry["path"]]
        if paths[0] in chain:
            names = " → ".join(self.sources.label(path) for path in (*chain, paths[0]))
            raise InvalidOption(f"the files include each other: {names}", option=where)
        if len(chain) >= DEEPEST:
            raise InvalidOption(f"is more than {DEEPEST} files deep", option=where)
        self.includes += 1  # files may include the same ones again and again
        if self.includes > MOST_FILES:
            raise InvalidOption(f"more than {MOST_FILES} files are included", option=where)
        inner = os.path.dirname(paths[0])
        if entry.get("project_directory"):
            inner = join(folder, entry["project_directory"], where)
        files = [join(folder, path, where) for path in entry.get("env_file", ())]
        files = [path for path in files if path != os.devnull]
        if not entry.get("env_file") or files:
            known = variables(self.sources.reader, files, inner, known, self.sources.notes)
        loaded = [part for path in paths for part in self.sources.documents(path, folder, where)]
        result = self.load(loaded, known, inner, (*chain, paths[0]))
        return {key: result[key] for key in SECTIONS if key in result}


def _with_contexts(total: Model, folder: str) -> Model:
    """Return a model in which a build without a context has that of its project's folder."""
    services = dict(total.get("services") or {})
    for name, entry in services.items():
        build = (entry or {}).get("build")
        if build is not None and "context" not in build:
            services[name] = {**entry, "build": {"context": folder, **build}}
    return {**total, "services": services} if services else total


def _imported(part: Model, included: Model, where: str) -> Model:
    """Return a model with what an included one has; a name that both have otherwise is a fault."""
    result = dict(part)
    for section, entries in included.items():
        mine = dict(settled(result.get(section)) or {})
        for name, entry in entries.items():
            entry = _compared(section, name, entry)
            if name in mine and _compared(section, name, mine[name]) != entry:
                text = f"{section}.{name} is declared otherwise in this file"
                hint = "rename one; to change what is included, name a second file in its path"
                raise InvalidOption(text, option=where, hint=hint)
            mine[name] = entry
        is_override = isinstance(result.get(section), Override)
        result[section] = Override(mine) if is_override else mine
    return result


def _compared(section: str, name: str, entry: Any) -> Any:
    entry = settled(entry)
    return without_repetitions(name, entry) if section == "services" and entry else entry
