# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Podman's mounts in Docker's terms (its compatible API, 5.4 and 5.8), loaded only for Podman.

It shows every mount as a bind string or among the temporary file systems, adds options of its own,
and drops most of what only the long syntax can say. A bind of the long syntax never has what is
mounted below its source, and its source is made if it is missing, whatever was asked for.
"""

from __future__ import annotations

import posixpath
import re
from typing import Any, Dict, List, Mapping

from ..._desired.errors import FleetError, InvalidOption
from ..._desired.fields import Context
from ..._desired.ownership import as_recorded
from ..._desired.sizes import parse_size
from .fields.mounts import has_colon

Json = Dict[str, Any]

_ANONYMOUS = re.compile(r"[0-9a-f]{64}")
_ADDED = frozenset(("rw", "rprivate", "rbind", "nosuid", "nodev", "noexec", "tmpcopyup"))
# What only the long syntax has, and Podman drops: option of a mount, what would be right.
_DROPPED = {
    "create_host_path": "it always creates a missing folder; leave it out",
    "labels": "declare the volume by dockyard.fleet.volume",
    "driver": "declare the volume by dockyard.fleet.volume",
    "driver_opts": "declare the volume by dockyard.fleet.volume",
}


def check_mounts(declared: Mapping[str, Any]) -> None:
    """Raise InvalidOption for what Podman would drop, or mount somewhere else, without a word."""
    for target, mount in (declared.get("volumes") or {}).items():
        for key, hint in _DROPPED.items():
            if key in mount:
                raise _dropped(f"volumes[{target}].{key}", hint)
        if mount.get("recursive") not in (None, "disabled"):
            raise _dropped(f"volumes[{target}].recursive", "it supports enabled and disabled")
        if has_colon(target, mount.get("source")):
            text, hint = "podman does not allow a colon in a path", "use a path without one"
            raise InvalidOption(text, option=f"volumes[{target}]", hint=hint)


def _dropped(option: str, hint: str) -> InvalidOption:
    return InvalidOption("podman does not support it", option=option, hint=hint)


def create_mounts(host: Mapping[str, Any]) -> Json:
    """Return a HostConfig without temporary file systems among its Mounts: there, Podman takes no
    mode for a mode of 0, and no size for one of 0."""
    tmpfs = dict(host.get("Tmpfs") or {})
    others: List[Json] = []
    for mount in host["Mounts"]:
        if mount["Type"] != "tmpfs":
            others.append(mount)
            continue
        asked = mount.get("TmpfsOptions") or {}
        words = ["ro"] if mount.get("ReadOnly") else []
        words += [f"size={asked['SizeBytes']}"] if "SizeBytes" in asked else []
        words += [f"mode={asked['Mode']:o}"] if "Mode" in asked else []
        tmpfs[mount["Target"]] = ",".join(words)
    return {**host, "Mounts": others, "Tmpfs": tmpfs}


def as_docker_mounts(config: Json, host: Json, context: Context) -> None:
    """Tell anonymous volumes from binds, and the mounts of the long syntax from the short one's;
    take off the options that Podman adds."""
    wished = context.declared.get("volumes") or {}
    anonymous: Json = {}
    binds: List[str] = []
    mounts: List[Json] = []
    own = {*wished, *(context.base.get("Volumes") or ())}
    lent = host.get("VolumesFrom") and as_recorded(context, "volumes")
    for bind in host.get("Binds") or ():
        source, target, text = (*str(bind).split(":", 2), "")[:3]
        if lent and target not in own:
            continue
        options = text.split(",")
        if _ANONYMOUS.fullmatch(source):
            anonymous[target] = {}
        elif "bind" in options:
            mounts.append(_long_bind(source, target, options, wished.get(target) or {}))
        else:
            kept = [option for option in options if option not in _ADDED]
            binds.append(":".join([source, target, *([",".join(kept)] if any(kept) else [])]))
    tmpfs = dict(host.get("Tmpfs") or {})
    for target in [*tmpfs]:
        if (wished.get(posixpath.normpath(target)) or {}).get("type") == "tmpfs":
            mounts.append(_tmpfs(target, tmpfs.pop(target)))
    config["Volumes"] = anonymous
    host.update(Binds=binds, Mounts=[*(host.get("Mounts") or ()), *mounts], Tmpfs=tmpfs)


def _long_bind(source: str, target: str, options: List[str], desired: Mapping[str, Any]) -> Json:
    asked = {*(desired.get("options") or ())}
    # Nothing asked for is `private` there.
    words = {*options} - _ADDED - {"bind", "ro", *({"private"} - asked)}
    result: Json = {"CreateMountpoint": True, "NonRecursive": True}
    if words:
        result["Propagation"] = ",".join(sorted(words))
    place = {"Type": "bind", "Source": source, "Target": target}
    return {**place, "ReadOnly": "ro" in options, "BindOptions": result}


def _tmpfs(target: str, text: str) -> Json:
    result: Json = {}
    words = text.split(",")
    for key, _equals, value in (word.partition("=") for word in words):
        try:
            if key == "size":
                result["SizeBytes"] = parse_size(value, key)
            elif key == "mode":
                result["Mode"] = int(value, 8)
        except (FleetError, ValueError):
            result[key] = value  # not of our making; it differs from whatever is declared
    return {"Type": "tmpfs", "Target": target, "ReadOnly": "ro" in words, "TmpfsOptions": result}
