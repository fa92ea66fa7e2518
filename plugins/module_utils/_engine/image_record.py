# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a build: one label that says what the image was made from."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, List, Mapping, Optional

from .._desired import owned
from .context_files import compare
from .image_build_wish import Build

LABEL = "dockyard.fleet.image"
VERSION = 1
# Causes of one kind that are printed; the rest is a number.
_SHOWN = 5


def make(name: str, build: Build, bases: Mapping[str, str]) -> str:
    """Return the label's value: name, context and file digests, options, base ids.

    Options are digests with a salt, since the value of a build argument may be private.
    """
    salt = os.urandom(8).hex()
    record = {
        "v": VERSION,
        "name": name,
        "salt": salt,
        "context": build.context["digest"],
        "files": build.context["files"],
        "options": _digests(build, salt),
        "bases": bases,
    }
    return json.dumps(record, sort_keys=True, separators=(",", ":"))


def read(image: Mapping[str, Any], name: str) -> Dict[str, Any]:
    """Return the record in an image's label if it is of a build under this name, else {}."""
    try:
        record = json.loads(label_of(image) or "")
    except ValueError:
        return {}
    known = isinstance(record, dict) and record.get("v") == VERSION
    return record if known and record.get("name") == name else {}


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
    found: List[str] = []
    if record.get("context") != build.context["digest"]:
        found += _file_causes(record.get("files") or {}, build.context["files"])
    then = record.get("options") or {}
    now = _digests(build, str(record.get("salt", "")))
    for key in sorted({*then, *now}):
        if then.get(key) != now.get(key):
            found.append(f"build.{key} {_word(key in then, key in now)}")
    return found


def _digests(build: Build, salt: str) -> Dict[str, str]:
    return {key: owned.digest(salt, key, value) for key, value in build.options.items()}


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
