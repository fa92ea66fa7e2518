# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`extends`: a service made of another one, in the same file or in another, and its own keys."""

from __future__ import annotations

import os
from typing import Any, Dict, Mapping, Tuple

from ...module_utils._desired.errors import InvalidOption
from .document import Sources
from .merge import merged, settled
from .reader import Located, Origin, join
from .yaml12 import RESET, Override

DEEPEST = 50
Chain = Tuple[Tuple[str, str], ...]


def extended(
    model: Mapping[str, Any],
    sources: Sources,
    known: Mapping[str, str],
    folder: str,
    origin: Origin,
) -> Dict[str, Any]:
    """Return a model whose services have what their bases have; their own keys win.

    What a base names (networks, volumes, other services) is not brought along. Raise InvalidOption
    for a base that is not there, and for services that extend each other.
    """
    services = model.get("services")
    plain = services.value if isinstance(services, Override) else services
    if not isinstance(plain, dict) or not any(_base(entry) for entry in plain.values()):
        return dict(model)
    result = {}
    file = _File(sources, known, folder, origin, plain, {})
    for name in plain:
        with Located(sources.faults, [origin]):
            result[name] = file.service(name, ())
    return {**model, "services": Override(result) if plain is not services else result}


def _base(entry: Any) -> Any:
    entry = entry.value if isinstance(entry, Override) else entry
    base = settled(entry.get("extends")) if isinstance(entry, dict) else None
    return base if base and base.get("service") else None


class _File:
    """The services of one file, as they are written, and the files that they refer to."""

    def __init__(
        self,
        sources: Sources,
        known: Mapping[str, str],
        folder: str,
        origin: Origin,
        services: Mapping[str, Any],
        files: Dict[str, _File],
    ) -> None:
        self.sources, self.known, self.folder = sources, known, folder
        self.origin, self.services = origin, services
        self.files = files
        self.is_good = True

    def service(self, name: str, chain: Chain) -> Any:
        """Return a service with what it extends."""
        entry = self.services[name]
        reference = _base(entry)
        if not isinstance(reference, Mapping):
            return entry
        where = f"{self.origin.prefix}services.{name}.extends"
        link = (self.origin.label, name)
        if link in chain or len(chain) >= DEEPEST:
            names = " → ".join(part for _file, part in (*chain, link))
            raise InvalidOption(f"the services extend each other: {names}", option=where)
        file = self.other(reference["file"], where) if reference.get("file") else self
        target = reference["service"]
        if not file.is_good:  # what is wrong there is told already
            return entry
        if target not in file.services:
            text = f"there is no service {target} in {file.origin.label}"
            raise InvalidOption(text, option=where)
        base = settled(file.service(target, (*chain, link))) or {}
        return _laid(base, entry)

    def other(self, path: str, where: str) -> _File:
        """Return another file's services, with paths relative to its own folder."""
        sources = self.sources
        whole = join(self.folder, path, where)
        if whole in self.files:
            return self.files[whole]
        folder = os.path.dirname(whole)
        services: Dict[str, Any] = {}
        origin = Origin(sources.label(whole))
        is_good = True
        for value, origin in sources.documents(whole, self.folder, where):
            part, is_free = sources.read(value, origin, self.known, folder)
            is_good = is_good and is_free
            services = merged(services, settled(part.get("services")) or {}, ("services",))
        file = _File(sources, self.known, folder, origin, services, self.files)
        file.is_good = is_good
        self.files[whole] = file
        return file


def _laid(base: Mapping[str, Any], entry: Any) -> Any:
    """Return own keys over those of the base; tags still count for what earlier files have."""
    own = entry.value if isinstance(entry, Override) else entry
    result = merged(base, own, ("services", "*"))
    result.pop("extends", None)
    for key, value in own.items():
        if key == "extends":
            continue
        if value is RESET:
            result[key] = RESET
        elif isinstance(value, Override):
            result[key] = Override(result[key])
    return Override(result) if isinstance(entry, Override) else result
