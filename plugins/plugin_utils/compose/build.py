# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one form of a service's `build` (Compose Build Specification)."""

from __future__ import annotations

from typing import Any, Dict, Mapping

from ...module_utils._desired.errors import InvalidOption
from .forms import (
    flag,
    items,
    pairs,
    size,
    table,
    text,
    text_or_texts,
    texts,
)
from .hosts import extra_hosts
from .mounts import file_mount, ulimits


def _contexts(value: Any, where: str) -> Dict[str, Any]:
    result: Dict[str, Any] = pairs(None)(value, where)
    for name, context in result.items():
        if context is None:
            hint = f"write {name}=folder"
            raise InvalidOption("has no value", option=f"{where}.{name}", hint=hint)
    return result


def _ssh(value: Any, where: str) -> Dict[str, Any]:
    if isinstance(value, str):
        value = [value]
    result: Dict[str, Any] = pairs(None)(value, where)
    return result


_BUILD = table(
    {
        "context": text,
        "dockerfile": text,
        "dockerfile_inline": text,
        "entitlements": texts,
        "args": pairs(None),
        "ssh": _ssh,
        "labels": pairs(),
        "cache_from": texts,
        "cache_to": texts,
        "no_cache": flag,
        "no_cache_filter": text_or_texts,
        "additional_contexts": _contexts,
        "network": text,
        "provenance": text,
        "sbom": text,
        "pull": flag,
        "target": text,
        "shm_size": size,
        "extra_hosts": extra_hosts,
        "isolation": text,
        "privileged": flag,
        "secrets": items(file_mount),
        "tags": texts,
        "ulimits": ulimits,
        "platforms": texts,
    }
)


def build(value: Any, where: str) -> Dict[str, Any]:
    """Return the options of a build; a text alone is its context."""
    if not isinstance(value, Mapping):
        return {"context": text(value, where)}
    result: Dict[str, Any] = _BUILD(value, where)
    return result
