# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables put into the values of a Compose file, and where they come from: `.env` files."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Mapping, Sequence

from ...module_utils._desired.errors import Faults, InvalidOption
from ..values.env_file import Outside, parse_file
from ..values.substitution import substituted
from .reader import Reader, join, text_of
from .yaml12 import Override

DEFAULT_FILE = ".env"


class Notes:
    """Warnings, each once, in the order in which they came up."""

    def __init__(self) -> None:
        self.texts: Dict[str, None] = {}

    def add(self, text: str) -> None:
        """Note a warning."""
        self.texts[text] = None

    def unset(self, name: str) -> str:
        """Note that nothing sets a variable, and return what stands for it."""
        self.add(f"the variable {name} is not set: an empty text stands for it")
        return ""


def interpolated(value: Any, known: Mapping[str, str], notes: Notes, prefix: str) -> Any:
    """Return a document with variables in its values, never in keys, replaced.

    `prefix` stands before key paths in errors: InvalidOption for each text that has a fault.
    """
    return _Interpolation(known, notes).document(value, prefix)


class _Interpolation:
    def __init__(self, known: Mapping[str, str], notes: Notes) -> None:
        self.known, self.notes = known, notes
        self.faults = Faults()

    def document(self, value: Any, prefix: str) -> Any:
        if not isinstance(value, dict):
            return value
        result = {
            key: item if key[:2] == "x-" else self.of(item, f"{prefix}{key}")
            for key, item in value.items()
        }
        self.faults.tell()
        return result

    def of(self, value: Any, where: str) -> Any:
        if isinstance(value, str):
            return self.text(value, where) if "$" in value else value
        if isinstance(value, dict):
            return {key: self.of(item, f"{where}.{key}") for key, item in value.items()}
        if isinstance(value, list):
            return [self.of(item, f"{where}[{at}]") for at, item in enumerate(value)]
        if isinstance(value, Override):
            return Override(self.of(value.value, where))
        return value

    def text(self, value: str, where: str) -> str:
        with self.faults:
            try:
                return substituted(value, self.known, None, self.notes.unset, tell=True)
            except ValueError as error:
                hint = "a dollar sign is written $$" if "${" in str(error) else None
                raise InvalidOption(str(error), option=where, hint=hint) from None
        return value


def variables(
    reader: Reader, files: Sequence[str], folder: str, given: Mapping[str, str], notes: Notes
) -> Dict[str, str]:
    """Return the variables for interpolation: those of `.env` files, and over them the given ones.

    Later files win over earlier ones. Without files it is `.env` in the folder, if there is one.
    Raise InvalidOption for files that are missing or wrong; values are never repeated.
    """
    result: Dict[str, str] = {}
    texts: List[Any] = []
    faults = Faults()
    for position, name in enumerate(files):
        where = f"env_files[{position}]"
        with faults:
            path = join(folder, name, where)
            texts.append((path, reader.text(path, where), where))
    if not files:
        path = os.path.join(folder, DEFAULT_FILE)
        with faults:
            data = reader.optional(path, DEFAULT_FILE)
            if data is not None:
                texts.append((path, text_of(data, path, DEFAULT_FILE), DEFAULT_FILE))
    for _path, text, where in texts:
        with faults:
            result.update(parse_file(text, where, result, Outside(given, notes.unset)))
    faults.tell()
    return {**result, **given}
