# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The field table of a container: rows by subject, in the order in which plans name them.

Most tasks need few subjects, and a target should not load the rest: `index` (made from the rows by
`make docs`) says which options and which parts of an inspected container belong to which subject.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Mapping, Sequence, Tuple

from ...._desired.fields import FieldSpec
from ...._desired.values import dig
from .index import OPTIONS, PATHS

if TYPE_CHECKING:
    # Loaded by name below. Ansible reads the imports here and sends these files to a target.
    from . import (  # noqa: F401
        blkio,
        cpu,
        devices,
        health,
        hosts,
        limits,
        logs,
        memory,
        mounts,
        namespaces,
        networks,
        ports,
        process,
        program,
        security,
        storage,
        volumes,
    )

    FIELDS: Tuple[FieldSpec, ...]

SUBJECTS = (
    "process",
    "program",
    "health",
    "ports",
    "volumes",
    "storage",
    "networks",
    "hosts",
    "namespaces",
    "memory",
    "cpu",
    "blkio",
    "limits",
    "security",
    "devices",
    "logs",
)


# Engines mask paths of /proc by themselves: an empty list was asked for.
_MASKED = "HostConfig.MaskedPaths"


def rows(subjects: Iterable[str] = SUBJECTS) -> Tuple[FieldSpec, ...]:
    """Return the rows of some subjects, in table order."""
    wanted = set(subjects)
    result: List[FieldSpec] = []
    for subject in SUBJECTS:
        if subject in wanted:
            result += importlib.import_module(f"{__name__}.{subject}").FIELDS
    return tuple(result)


def __getattr__(name: str) -> Any:
    """Return the whole table as `FIELDS`, loaded when it is first asked for."""
    if name != "FIELDS":
        raise AttributeError(name)
    return rows()


def option_spec() -> Dict[str, Any]:
    """Return the argument spec of all rows by name, dotted ones for keys of a dict option."""
    return {name: entry for subject in SUBJECTS for name, entry in OPTIONS[subject].items()}


def declared_subjects(names: Iterable[str]) -> List[str]:
    """Return the subjects of some options."""
    given = {name.partition(".")[0] for name in names}
    return [
        subject
        for subject in SUBJECTS
        if any(name.partition(".")[0] in given for name in OPTIONS[subject])
    ]


def seen_subjects(obj: Mapping[str, Any], base: Mapping[str, Any]) -> List[str]:
    """Return the subjects in which an inspected container is not as the engine makes it."""
    return [
        subject
        for subject in SUBJECTS
        if any(not _silent(obj, base, *entry) for entry in PATHS[subject])
    ]


def _silent(
    obj: Mapping[str, Any], base: Mapping[str, Any], path: str, quiet: Sequence[Any]
) -> bool:
    """Tell whether a part of a container is unset, the engine's own choice, or its image's."""
    value = dig(obj, path)
    if not value or path == _MASKED:
        return bool(value != []) or path != _MASKED
    inherited = dig(base, path[len("Config.") :]) if path.startswith("Config.") else None
    name = str(obj.get("Id"))[:12]  # its host name if none was declared
    return value in (*quiet, inherited, name, "no")
