# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a build: one label that says what the image was made from."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, List, Mapping, Optional

from ..._desired import ownership
from .building.context_digests import compare
from .building.desired import Build

LABEL = "dockyard.fleet.image"
VERSION = 1
# Causes of one kind that are printed; the rest is a number.
_SHOWN = 5


def encode(name: str, build: Build, bases: Mapping[str, str]) -> str:
    """Return the label's value: name, context and file digests, options, base ids.

    Options are digests with a salt, since the value of a build argument may be private.
    """
    return _make(
        name,
        build.options,
        {
            "context": build.context["digest"],
            "files": build.context["files"],
            "bases": bases,
        },
    )


def encode_import(name: str, options: Mapping[str, str]) -> str:
    """Return the label's value for an imported root file system."""
    return _make(name, options, {"imported": True})


def _make(name: str, options: Mapping[str, str], more: Mapping[str, Any]) -> str:
    salt = os.urandom(8).hex()
    record = {"v": VERSION, "name": name, "salt": salt, "options": _digests(options, salt), **more}
    return json.dumps(record, sort_keys=True, separators=(",", ":"))


def read(image: Mapping[str, Any], name: str, imported: bool = False) -> Dict[str, Any]:
    """Return the record in an image's label if it is of a build (or import) by this name, or {}."""
    record = ownership.parse(label_of(image))
    known = record.get("v") == VERSION
    alike = known and record.get("name") == name and record.get("imported", False) == imported
    return record if alike else {}


def own_layers(record: Mapping[str, Any]) -> int:
    """Return how many parents up the label was not there yet, if the image is its own build.

    The classic builder ends a build with a LABEL instruction for each label, in order of names
    (moby, builder/dockerfile/builder.go, buildLabelOptions): those behind ours inherit it.
    """
    names = [key[7:] for key in record.get("options") or {} if key.startswith("labels.")]
    return 1 + len([name for name in names if name > LABEL])


def label_of(image: Mapping[str, Any]) -> Optional[str]:
    """Return the raw label of an image as inspected."""
    labels = (image.get("Config") or {}).get("Labels") or {}
    value = labels.get(LABEL)
    return str(value) if value else None


def causes(record: Mapping[str, Any], build: Build) -> List[str]:
    """Return in words what changed in context and options since the recorded build."""
    result: List[str] = []
    if record.get("context") != build.context["digest"]:
        result += _file_causes(record.get("files") or {}, build.context["files"])
    return [*result, *option_causes(record, build.options, "build")]


def option_causes(record: Mapping[str, Any], options: Mapping[str, str], where: str) -> List[str]:
    """Return in words which options differ from the recorded ones."""
    then = record.get("options") or {}
    now = _digests(options, str(record.get("salt", "")))
    return [
        f"{where}.{key} {_word(key in then, key in now)}"
        for key in sorted({*then, *now})
        if then.get(key) != now.get(key)
    ]


def _digests(options: Mapping[str, str], salt: str) -> Dict[str, str]:
    return {key: ownership.digest(salt, key, value) for key, value in options.items()}


def _word(then: bool, now: bool) -> str:
    return "changed" if then and now else "added" if now else "removed"


def _file_causes(then: Mapping[str, str], now: Mapping[str, str]) -> List[str]:
    lines = [
        f"context: {path} {word}" if path else "context changed"
        for path, word in compare(then, now)
    ]
    more = len(lines) - _SHOWN
    if more > 1:
        lines = [*lines[:_SHOWN], f"context: {more} more differ"]
    return lines or ["context changed"]
