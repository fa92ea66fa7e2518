# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mounts. Canonical: target path → {type, source, read_only, options}, falsy keys left out.

An anonymous volume has the source "": its 64-digit name is the engine's, and a replaced
container's data is carried over under it.
"""

from __future__ import annotations

import posixpath
import re
from typing import Any, Dict, Iterator, Mapping, Tuple

from ..._desired.errors import InvalidOption
from ..._desired.model import Context, FieldSpec
from ..._desired.spec import check_known
from ..._desired.values import dig
from .common import parse_text, reject_expansion

Mount = Dict[str, Any]

_ANONYMOUS = re.compile(r"[0-9a-f]{64}")
_OPTIONS = [
    "ro",
    "rw",
    "z",
    "Z",
    "nocopy",
    "shared",
    "rshared",
    "slave",
    "rslave",
    "private",
    "rprivate",
]  # fmt: skip
_TYPES = ("bind", "volume", "tmpfs")
_LONG = ("type", "source", "target", "read_only")
# What the engine does when nothing is said.
_DEFAULT_OPTIONS = ("rw", "rprivate")


def parse_volumes(value: Any, where: str) -> Dict[str, Mount]:
    """Return Compose's `volumes`, short and long syntax, by target path.

    Raise InvalidOption for a target used twice, a relative path, `~` or `$`, unknown options.
    """
    mounts: Dict[str, Mount] = {}
    for number, entry in enumerate(value):
        here = f"{where}[{number}]"
        target, mount = _long(entry, here) if isinstance(entry, Mapping) else _short(entry, here)
        if target in mounts:
            raise InvalidOption(f"two volumes have the target {target}", option=here)
        mounts[target] = mount
    return mounts


def _short(entry: Any, where: str) -> Tuple[str, Mount]:
    parts = parse_text(entry, where).split(":")
    if len(parts) > 3:
        raise InvalidOption(
            f"'{entry}' has too many colons", option=where, hint='write "source:/target[:ro]"'
        )
    source, target = ("", parts[0]) if len(parts) == 1 else (parts[0], parts[1])
    options = parts[2].split(",") if len(parts) == 3 else []
    for option in options:
        if option not in _OPTIONS:
            raise InvalidOption(
                f"'{option}' is not an option of a volume",
                option=where,
                hint=f"known are {', '.join(_OPTIONS)}",
            )
    kind = "bind" if source[:1] in ("/", ".", "~", "$") else "volume"
    return _target(target, where), _mount(kind, _source(kind, source, where), options)


def _long(entry: Mapping[str, Any], where: str) -> Tuple[str, Mount]:
    check_known(entry, {key: {} for key in _LONG}, where)
    kind = entry.get("type")
    if kind not in _TYPES:
        raise InvalidOption(
            f"'{kind}' is not a type of volume", option=f"{where}.type", hint=", ".join(_TYPES)
        )
    source = parse_text(entry.get("source") or "", f"{where}.source")
    if (kind == "bind") != bool(source) and kind != "volume":
        wants = "needs a source" if kind == "bind" else "has no source"
        raise InvalidOption(f"{kind} {wants}", option=f"{where}.source")
    target = _target(parse_text(entry.get("target") or "", f"{where}.target"), where)
    options = ["ro"] if entry.get("read_only") else []
    return target, _mount(str(kind), _source(str(kind), source, where), options)


def _target(path: str, where: str) -> str:
    if not path.startswith("/"):
        raise InvalidOption(
            f"the target '{path}' is not an absolute path", option=where, hint="such as /data"
        )
    return posixpath.normpath(reject_expansion(path, where))


def _source(kind: str, source: str, where: str) -> str:
    reject_expansion(source, where)
    if kind == "bind" and not source.startswith("/"):
        raise InvalidOption(
            f"the source '{source}' is not an absolute path on the host",
            option=where,
            hint="such as /srv/data, or a volume's name without '.' and '/'",
        )
    return posixpath.normpath(source) if kind == "bind" else source


def _mount(kind: str, source: str, options: Any) -> Mount:
    kept = tuple(sorted({o for o in options if o and o != "ro" and o not in _DEFAULT_OPTIONS}))
    mount: Mount = {"type": kind}
    if source and not _ANONYMOUS.fullmatch(source):
        mount["source"] = source
    if "ro" in options:
        mount["read_only"] = True
    if kept:
        mount["options"] = kept
    return mount


def _read(obj: Mapping[str, Any], context: Context) -> Dict[str, Mount]:
    targets = dig(obj, "Config.Volumes") or {}
    mounts = {posixpath.normpath(target): _mount("volume", "", ()) for target in targets}
    for bind in dig(obj, "HostConfig.Binds") or ():
        source, _colon, rest = bind.partition(":")
        target, _colon, options = rest.partition(":")
        kind = "bind" if source.startswith("/") else "volume"
        mounts[posixpath.normpath(target)] = _mount(kind, source, options.split(","))
    for mount in dig(obj, "HostConfig.Mounts") or ():
        options = ["ro"] if mount.get("ReadOnly") else []
        kind, source = mount.get("Type", "volume"), mount.get("Source") or ""
        mounts[posixpath.normpath(mount.get("Target", "/"))] = _mount(kind, source, options)
    return mounts


def _default(context: Context) -> Dict[str, Mount]:
    return {posixpath.normpath(t): {"type": "volume"} for t in context.base.get("Volumes") or {}}


def anonymous(obj: Mapping[str, Any]) -> Iterator[Tuple[str, str]]:
    """Yield (target, volume name) of an inspected container's anonymous volumes."""
    for mount in obj.get("Mounts") or ():
        name = str(mount.get("Name") or "")
        if mount.get("Type") == "volume" and _ANONYMOUS.fullmatch(name):
            yield posixpath.normpath(mount.get("Destination", "/")), name


def _write(body: Dict[str, Any], value: Any, context: Context) -> None:
    """Put the mounts into a create body.

    As Binds wherever possible, which make a missing host folder as Compose does; `extra.carried`
    names the replaced container's anonymous volumes by target.
    """
    host = body.setdefault("HostConfig", {})
    carried = context.extra.get("carried", {})
    for target, mount in value.items():
        source = mount.get("source") or carried.get(target)
        if mount["type"] == "tmpfs":
            entry = {"Type": "tmpfs", "Target": target, "ReadOnly": bool(mount.get("read_only"))}
            host.setdefault("Mounts", []).append(entry)
        elif source:
            options = [*(["ro"] if mount.get("read_only") else []), *mount.get("options", ())]
            bind = ":".join([source, target, *([",".join(options)] if options else [])])
            host.setdefault("Binds", []).append(bind)
        else:
            body.setdefault("Volumes", {})[target] = {}


def _show(mount: Mount) -> str:
    source = mount.get("source") or ("tmpfs" if mount["type"] == "tmpfs" else "anonymous volume")
    words = [*(["ro"] if mount.get("read_only") else []), *mount.get("options", ())]
    return f"{source} ({', '.join(words)})" if words else str(source)


FIELDS = (
    FieldSpec(
        "volumes",
        at="HostConfig.Binds",
        option={"type": "list", "elements": "raw"},
        compare="map",
        parse=parse_volumes,
        read=_read,
        default=_default,
        write=_write,
        show=_show,
    ),
)
