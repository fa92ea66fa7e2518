# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The field table of volumes. Nothing about a volume can be changed: another one has other data."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Tuple

from ..._desired.fields import Context, FieldSpec
from ..values.labels import plain_labels
from ..values.mappings import parse_labels, parse_map

OWNER_LABEL = "dockyard.fleet.volume"


# What Podman has understood of the option `o`, which it shows beside it.
UNDERSTOOD = frozenset(("GID", "INODES", "NOQUOTA", "SIZE", "UID"))


def secret_keys(declared: Mapping[str, Any], record: Mapping[str, Any]) -> List[str]:
    """Return the driver options that are secret: declared so now, or when it was created."""
    return [*(declared.get("secret_driver_opts") or {}), *record.get("secret", ())]


def _options(obj: Mapping[str, Any], context: Context, secret: bool) -> Dict[str, str]:
    hidden = secret_keys(context.declared, context.record)
    added = UNDERSTOOD if context.kind == "podman" else ()
    options = (obj.get("Options") or {}).items()
    return {k: value for k, value in options if (k in hidden) is secret and k not in added}


def _read_opts(obj: Mapping[str, Any], context: Context) -> Dict[str, str]:
    return _options(obj, context, False)


def _read_secret_opts(obj: Mapping[str, Any], context: Context) -> Dict[str, str]:
    return _options(obj, context, True)


def _read_labels(obj: Mapping[str, Any], context: Context) -> Dict[str, str]:
    return plain_labels(obj.get("Labels"), context.declared.get("labels"))


def _write_opts(body: Dict[str, Any], value: Any, context: Context) -> None:
    body["DriverOpts"] = {**body.get("DriverOpts", {}), **value}


def _row(name: str, **more: Any) -> FieldSpec:
    return FieldSpec(name, change="destroy", unset="destroy", **more)


FIELDS: Tuple[FieldSpec, ...] = (
    _row("driver", at="Driver", option={"type": "str"}, default=lambda context: "local"),
    _row(
        "driver_opts",
        at="Options",
        option={"type": "raw"},
        compare="map",
        parse=parse_map,
        read=_read_opts,
        write=_write_opts,
        guarded=True,
    ),
    _row(
        "secret_driver_opts",
        at="Options",
        option={"type": "dict", "no_log": True},
        compare="map",
        parse=parse_map,
        read=_read_secret_opts,
        write=_write_opts,
        secret=True,
    ),
    _row(
        "labels",
        at="Labels",
        option={"type": "raw"},
        compare="map",
        parse=parse_labels,
        read=_read_labels,
    ),
)
