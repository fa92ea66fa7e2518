# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Storage beside volumes: temporary file systems, borrowed mounts, options of the root."""

from __future__ import annotations

import posixpath
import re
from typing import Any, Dict, Mapping, Tuple

from ...._desired.errors import InvalidOption
from ...._desired.fields import Context, FieldSpec
from ...._desired.values import dig
from ...values.strings import parse_text
from .common import NOT_PODMAN, mapping, parse_lone, parse_set, text, words

_UNITS = ("", "k", "m", "g", "t", "p", "e")
_COUNT = re.compile(r"(0|[1-9][0-9]*)([kmgtpe]?)", re.IGNORECASE)
# What Podman adds to what was asked for.
_ADDED = ("rprivate", "nosuid", "nodev", "tmpcopyup", "noexec", "rw")


def _parse_tmpfs(value: Any, where: str) -> Dict[str, Tuple[str, ...]]:
    mounts: Dict[str, Tuple[str, ...]] = {}
    for number, entry in enumerate(parse_lone(value, where)):
        target, _colon, options = parse_text(entry, where).partition(":")
        if not target.startswith("/"):
            raise InvalidOption(
                f"'{target}' is not an absolute path",
                option=f"{where}[{number}]",
                hint="such as /run:size=64m",
            )
        mounts[posixpath.normpath(target)] = _options(options)
    return mounts


def _options(text: str) -> Tuple[str, ...]:
    return tuple(sorted({_option(word.strip()) for word in text.split(",") if word.strip()}))


def _option(word: str) -> str:
    """Return an option in one spelling: the kernel reads `1m`, `1024k` and `1048576` alike."""
    key, _sign, value = word.partition("=")
    if key == "mode" and re.fullmatch("[0-7]+", value):
        return f"mode={value.lstrip('0') or '0'}"
    match = _COUNT.fullmatch(value) if key in ("size", "nr_inodes") else None
    if match is None:
        return word
    count, unit = int(match.group(1)), _UNITS.index(match.group(2).lower())
    while count and count % 1024 == 0 and unit < len(_UNITS) - 1:
        count, unit = count // 1024, unit + 1
    return f"{key}={count}{_UNITS[unit] if count else ''}"


def _read_tmpfs(obj: Mapping[str, Any], context: Context) -> Dict[str, Tuple[str, ...]]:
    mounts = dig(obj, "HostConfig.Tmpfs") or {}
    return {posixpath.normpath(path): _options(options) for path, options in mounts.items()}


def _read_podmans(obj: Mapping[str, Any], context: Context) -> Dict[str, Tuple[str, ...]]:
    declared = context.declared.get("tmpfs") or {}
    return {
        path: tuple(o for o in options if o not in _ADDED or o in declared.get(path, ()))
        for path, options in _read_tmpfs(obj, context).items()
    }


def _write_tmpfs(body: Dict[str, Any], value: Any, context: Context) -> None:
    result = {path: ",".join(options) for path, options in value.items()}
    body.setdefault("HostConfig", {})["Tmpfs"] = result


def _parse_from(value: Any, where: str) -> Tuple[str, ...]:
    """Return NAME or NAME:ro of Compose's `[container:]NAME[:ro|:rw]`."""
    sources = set()
    for number, entry in enumerate(parse_set(value, where)):
        matched = re.fullmatch(r"(container:)?/?([A-Za-z0-9][A-Za-z0-9_.-]*)(:r[ow])?", entry)
        if matched is None:
            raise InvalidOption(
                f"'{entry}' does not name a container",
                option=f"{where}[{number}]",
                hint="such as db:ro",
            )
        sources.add(matched.group(2) + (":ro" if matched.group(3) == ":ro" else ""))
    return tuple(sorted(sources))


def _read_from(obj: Mapping[str, Any], context: Context) -> Tuple[str, ...]:
    return _parse_from(list(dig(obj, "HostConfig.VolumesFrom") or ()), "volumes_from")


FIELDS = (
    FieldSpec(
        "tmpfs",
        at="HostConfig.Tmpfs",
        option={"type": "raw"},
        compare="map",
        parse=_parse_tmpfs,
        read=_read_tmpfs,
        write=_write_tmpfs,
        show=lambda options: ", ".join(options) or "without options",
        overrides={"podman": {"read": _read_podmans}},
    ),
    words("volumes_from", "HostConfig.VolumesFrom", parse=_parse_from, read=_read_from),
    mapping("storage_opt", "HostConfig.StorageOpt"),
    text("volume_driver", "HostConfig.VolumeDriver", only=NOT_PODMAN),
)
