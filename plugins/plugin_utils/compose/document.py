# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One document of a Compose file: read, interpolated, in its one form, with its paths resolved."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Mapping, Tuple, Union

from ...module_utils._desired.errors import Faults
from .interpolation import Notes, interpolated
from .model import model
from .paths import resolve
from .reader import Located, Origin, Reader, join
from .yaml12 import documents

Source = Union[str, Mapping[str, Any]]
Model = Dict[str, Any]


class Sources:
    """What the files of one project have in common: reader, warnings, faults, project folder."""

    def __init__(self, reader: Reader, notes: Notes, project: str) -> None:
        self.reader, self.notes, self.project = reader, notes, project
        self.faults = Faults()

    def documents(self, source: Source, folder: str, where: str) -> List[Tuple[Any, Origin]]:
        """Return the documents of a file, or the one in the task, each with its origin."""
        if not isinstance(source, str):
            return [(dict(source), Origin(where, value=source))]
        path = join(folder, source, where)
        label = self.label(path)
        result = []
        for value, node, warnings in documents(self.reader.text(path, where), label):
            for warning in warnings:
                self.notes.add(warning)
            if value is not None:
                result.append((value, Origin(label, node)))
        return result

    def label(self, path: str) -> str:
        """Return how a file is called in messages: relative to the project's folder, if near."""
        near = os.path.relpath(path, self.project) if os.path.isabs(path) else path
        return path if near.startswith("..") else near

    def read(
        self, value: Any, origin: Origin, known: Mapping[str, str], folder: str
    ) -> Tuple[Model, bool]:
        """Return a document in its one form, and whether it is free of faults."""
        before = len(self.faults.errors)
        result: Model = {}
        with Located(self.faults, [origin]):
            value = interpolated(value, known, self.notes, origin.prefix)
            if origin.node is not None:
                value = _numbers_as_ports(value)
            result = model(value, origin.prefix)
            result = resolve(result, folder, self.project, origin.prefix)
        return result, len(self.faults.errors) == before


def _numbers_as_ports(value: Any) -> Any:
    """Return a file's document with numbers among its ports as texts: YAML 1.2 has read them right.

    What stands in a task was read by YAML 1.1, where 22:22 is such a number; there they stay.
    """
    services = value.get("services") if isinstance(value, dict) else None
    if not isinstance(services, dict):
        return value
    result = {}
    for name, entry in services.items():
        ports = entry.get("ports") if isinstance(entry, dict) else None
        if isinstance(ports, list) and any(_is_number(port) for port in ports):
            texts = [str(port) if _is_number(port) else port for port in ports]
            entry = {**entry, "ports": texts}
        result[name] = entry
    return {**value, "services": result}


def _is_number(port: Any) -> bool:
    return isinstance(port, int) and not isinstance(port, bool)
