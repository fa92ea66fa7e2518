# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mounts as the engine has them: Binds, Mounts and anonymous volumes, from and to canonical ones.

See volumes.py for the canonical form.
"""

from __future__ import annotations

import posixpath
import re
from typing import Any, Dict, Iterable, Iterator, Mapping, Optional, Tuple

from ...._desired.fields import Context
from ...._desired.values import dig

Mount = Dict[str, Any]

# What only the long syntax has, and no bind string can say.
LONG_ONLY = (
    "create_host_path",
    "recursive",
    "subpath",
    "labels",
    "driver",
    "driver_opts",
    "size",
    "mode",
)
_ANONYMOUS = re.compile(r"[0-9a-f]{64}")
# What the engine does when nothing is said.
_DEFAULT_OPTIONS = ("ro", "rw", "rprivate", "rbind", "")


def mount_of(
    kind: str, source: str, options: Iterable[str], more: Optional[Mapping[str, Any]] = None
) -> Mount:
    """Return a canonical mount of its type, source, words and long-only keys."""
    words = set(options)
    kept = tuple(sorted(words.difference(_DEFAULT_OPTIONS)))
    mount: Mount = {"type": kind}
    if source and not _ANONYMOUS.fullmatch(source):
        mount["source"] = source
    if "ro" in words:
        mount["read_only"] = True
    if kept:
        mount["options"] = kept
    return {**mount, **(more or {})}


def read(obj: Mapping[str, Any], context: Context) -> Dict[str, Mount]:
    """Return the mounts of an inspected container."""
    targets = dig(obj, "Config.Volumes") or {}
    mounts = {posixpath.normpath(target): mount_of("volume", "", ()) for target in targets}
    for bind in dig(obj, "HostConfig.Binds") or ():
        source, _colon, rest = bind.partition(":")
        target, _colon, options = rest.partition(":")
        kind = "bind" if source.startswith("/") else "volume"
        mounts[posixpath.normpath(target)] = mount_of(kind, source, options.split(","))
    for mount in dig(obj, "HostConfig.Mounts") or ():
        mounts[posixpath.normpath(mount.get("Target", "/"))] = _read_mount(mount)
    return mounts


def _read_mount(mount: Mapping[str, Any]) -> Mount:
    kind, source = mount.get("Type", "volume"), mount.get("Source") or ""
    bind, volume = mount.get("BindOptions") or {}, mount.get("VolumeOptions") or {}
    tmpfs = mount.get("TmpfsOptions") or {}
    options = [bind.get("Propagation") or ""]
    options += ["ro"] if mount.get("ReadOnly") else []
    options += ["nocopy"] if volume.get("NoCopy") else []
    more = {
        "subpath": volume.get("Subpath") or dig(mount, "ImageOptions.Subpath"),
        "labels": volume.get("Labels"),
        "driver": dig(volume, "DriverConfig.Name"),
        "driver_opts": dig(volume, "DriverConfig.Options"),
        "size": tmpfs.get("SizeBytes"),
        "mode": tmpfs.get("Mode"),
        "recursive": _recursive(bind),
    }
    kept = {key: value for key, value in more.items() if value}
    if kind == "bind" and not bind.get("CreateMountpoint"):
        kept["create_host_path"] = False
    return mount_of(kind, source, options, kept)


def _recursive(bind: Mapping[str, Any]) -> str:
    if bind.get("NonRecursive"):
        return "disabled"
    if bind.get("ReadOnlyNonRecursive"):
        return "writable"
    return "readonly" if bind.get("ReadOnlyForceRecursive") else ""


def default(context: Context) -> Dict[str, Mount]:
    """Return the anonymous volumes that the image asks for."""
    return {posixpath.normpath(t): {"type": "volume"} for t in context.base.get("Volumes") or {}}


def anonymous(obj: Mapping[str, Any]) -> Iterator[Tuple[str, str]]:
    """Yield (target, volume name) of an inspected container's anonymous volumes."""
    for mount in obj.get("Mounts") or ():
        name = str(mount.get("Name") or "")
        if mount.get("Type") == "volume" and _ANONYMOUS.fullmatch(name):
            yield posixpath.normpath(mount.get("Destination", "/")), name


def write(body: Dict[str, Any], value: Any, context: Context) -> None:
    """Put the mounts into a create body.

    As Binds wherever possible, which make a missing host folder as Compose does; `extra.carried`
    names the replaced container's anonymous volumes by target.
    """
    host = body.setdefault("HostConfig", {})
    carried = context.extra.get("carried", {})
    for target, mount in value.items():
        source = mount.get("source") or carried.get(target)
        long = mount["type"] in ("tmpfs", "image") or any(key in mount for key in LONG_ONLY)
        if long or (source and has_colon(target, source)):
            host.setdefault("Mounts", []).append(_mount_body(target, source, mount))
        elif source:
            options = [*(["ro"] if mount.get("read_only") else []), *mount.get("options", ())]
            bind = ":".join([source, target, *([",".join(options)] if options else [])])
            host.setdefault("Binds", []).append(bind)
        else:
            body.setdefault("Volumes", {})[target] = {}


def has_colon(target: str, source: Optional[str]) -> bool:
    """Tell whether a path of a mount has a colon, which only the Mounts of a body can say."""
    return ":" in target or ":" in (source or "")


def _mount_body(target: str, source: Optional[str], mount: Mount) -> Dict[str, Any]:
    kind = mount["type"]
    result: Dict[str, Any] = {"Type": kind, "Target": target}
    result["ReadOnly"] = bool(mount.get("read_only"))
    if source:
        result["Source"] = source
    options = _OPTIONS[kind](mount)
    if options:
        result[f"{kind.capitalize()}Options"] = options
    return result


def _bind_options(mount: Mount) -> Dict[str, Any]:
    recursive = mount.get("recursive")
    result: Dict[str, Any] = {"CreateMountpoint": mount.get("create_host_path", True)}
    for word in mount.get("options", ()):
        result["Propagation"] = word
    names = {
        "disabled": "NonRecursive",
        "writable": "ReadOnlyNonRecursive",
        "readonly": "ReadOnlyForceRecursive",
    }
    if recursive:
        result[names[recursive]] = True
    return result


def _volume_options(mount: Mount) -> Dict[str, Any]:
    result: Dict[str, Any] = {"NoCopy": True} if "nocopy" in mount.get("options", ()) else {}
    for key, name in (("labels", "Labels"), ("subpath", "Subpath")):
        if key in mount:
            result[name] = mount[key]
    if "driver" in mount or "driver_opts" in mount:
        driver = {"Name": mount.get("driver", "local"), "Options": mount.get("driver_opts", {})}
        result["DriverConfig"] = driver
    return result


def _tmpfs_options(mount: Mount) -> Dict[str, Any]:
    names = {"size": "SizeBytes", "mode": "Mode"}
    return {name: mount[key] for key, name in names.items() if key in mount}


def _image_options(mount: Mount) -> Dict[str, Any]:
    return {"Subpath": mount["subpath"]} if "subpath" in mount else {}


_OPTIONS = {
    "bind": _bind_options,
    "volume": _volume_options,
    "tmpfs": _tmpfs_options,
    "image": _image_options,
}
