# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mounts as Compose's `volumes` declares them, short and long.

Canonical: target path → mount, a dict without what is not set: type, source, read_only, options
(words of the short syntax), create_host_path (False), recursive, subpath, labels, driver,
driver_opts, size (bytes), mode (a number). An anonymous volume has no source: its 64-digit name is
the engine's, and a replaced container's data is carried over under it.
"""

from __future__ import annotations

import posixpath
import re
from typing import Any, Callable, Dict, Iterator, List, Mapping, Tuple

from ...._desired.errors import Faults, InvalidOption
from ...._desired.fields import FieldSpec
from ...._desired.schema import check_keys
from ...._desired.sizes import parse_size, show_size
from ...._desired.values import show
from ...values.strings import parse_strings, parse_text
from . import mounts
from .common import reject_expansion
from .mounts import Mount, mount_of

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_PROPAGATIONS = ("shared", "rshared", "slave", "rslave", "private", "rprivate")
# Only Podman knows U.
_OPTIONS = ("ro", "rw", "z", "Z", "U", "nocopy", *_PROPAGATIONS)
# What `consistency` says means something on macOS only; everywhere else it changes nothing.
_CONSISTENCY = ("consistent", "cached", "delegated")
_LONG = ("type", "source", "target", "read_only", "consistency")
_INNER: Mapping[str, Tuple[str, ...]] = {
    "bind": ("propagation", "create_host_path", "recursive", "selinux"),
    "volume": ("nocopy", "subpath", "labels", "driver", "driver_opts"),
    "tmpfs": ("size", "mode"),
    "image": ("subpath",),
}
_RECURSIVE = ("enabled", "disabled", "writable", "readonly")


def parse_volumes(value: Any, where: str) -> Dict[str, Mount]:
    """Return Compose's `volumes`, short and long syntax, by target path.

    Raise InvalidOption for a target used twice, a relative path, `~` or `$`, unknown options.
    """
    result: Dict[str, Mount] = {}
    faults = Faults()
    for number, entry in enumerate(value):
        here, long = f"{where}[{number}]", isinstance(entry, Mapping)
        with faults:
            target, mount = _long(entry, here) if long else _short(entry, here)
            if target in result:
                raise InvalidOption(f"two volumes have the target {target}", option=here)
            result[target] = mount
    faults.tell()
    return result


def _short(entry: Any, where: str) -> Tuple[str, Mount]:
    parts = parse_text(entry, where).split(":")
    if len(parts) > 3:
        raise InvalidOption(
            f"'{entry}' has too many colons", option=where, hint='write "source:/target[:ro]"'
        )
    source, target = ("", parts[0]) if len(parts) == 1 else (parts[0], parts[1])
    options = parts[2].split(",") if len(parts) == 3 else []
    options = [option for option in options if option not in _CONSISTENCY]
    for option in options:
        _known(option, _OPTIONS, "an option of a volume", where)
    kind = "bind" if source[:1] in ("/", ".", "~", "$") else "volume"
    return _target(target, where), mount_of(kind, _source(kind, source, where), options)


def _known(word: Any, known: Tuple[str, ...], what: str, where: str) -> str:
    if word not in known:
        raise InvalidOption(
            f"'{word}' is not {what}", option=where, hint=f"use one of {', '.join(known)}"
        )
    return str(word)


def _long(entry: Mapping[str, Any], where: str) -> Tuple[str, Mount]:
    check_keys(entry, (*_LONG, *_INNER), where)
    kind = str(entry.get("type"))
    if kind not in _INNER:
        raise InvalidOption(
            f"'{kind}' is not a type of volume", option=f"{where}.type", hint=", ".join(_INNER)
        )
    source = parse_text(entry.get("source") or "", f"{where}.source")
    if (kind in ("bind", "image")) != bool(source) and kind != "volume":
        wants = "has no source" if kind == "tmpfs" else "needs a source"
        raise InvalidOption(f"{kind} {wants}", option=f"{where}.source")
    for other in _INNER:
        if entry.get(other) and other != kind:
            raise InvalidOption(f"cannot be combined with type {kind}", option=f"{where}.{other}")
    target = _target(parse_text(entry.get("target") or "", f"{where}.target"), where)
    inner = entry.get(kind) or {}
    check_keys(inner, _INNER[kind], f"{where}.{kind}")
    options = ["ro"] if entry.get("read_only") else []
    options += _words(inner, f"{where}.{kind}")
    if mounts.has_colon(target, source) and {"z", "Z"}.intersection(options):
        text = "cannot be used with a colon in a path"
        raise InvalidOption(text, option=f"{where}.{kind}.selinux", hint="use another path")
    more = _more(inner, f"{where}.{kind}")
    return target, mount_of(kind, _source(kind, source, where), options, more)


def _words(inner: Mapping[str, Any], where: str) -> List[str]:
    """Return what the short syntax has words for."""
    result = ["nocopy"] if inner.get("nocopy") else []
    if inner.get("propagation"):
        known = _PROPAGATIONS
        result.append(_known(inner["propagation"], known, "a propagation", f"{where}.propagation"))
    if inner.get("selinux"):
        result.append(_known(inner["selinux"], ("z", "Z"), "a label", f"{where}.selinux"))
    return result


def _more(inner: Mapping[str, Any], where: str) -> Mount:
    """Return what only the long syntax has, without what is as the engine would have it."""
    result: Mount = {key: inner[key] for key in ("subpath", "driver") if inner.get(key)}
    for key in ("labels", "driver_opts"):
        if inner.get(key):
            result[key] = parse_strings(inner[key], f"{where}.{key}")
    if inner.get("create_host_path") is False:
        result["create_host_path"] = False
    recursive = inner.get("recursive") or "enabled"
    if _known(recursive, _RECURSIVE, "a way to mount", f"{where}.recursive") != "enabled":
        result["recursive"] = recursive
    size = parse_size(inner.get("size") or None, f"{where}.size")
    if size:
        result["size"] = size
    if inner.get("mode") is not None:
        result["mode"] = _mode(inner["mode"], f"{where}.mode")
    if result.keys() & {"create_host_path", "recursive"} and inner.get("selinux"):
        raise InvalidOption(
            "cannot be combined with create_host_path: false or recursive",
            option=f"{where}.selinux",
        )
    return result


def _mode(value: Any, where: str) -> int:
    if not isinstance(value, str) or not re.fullmatch(r"[0-7]{3,5}", value):
        raise InvalidOption(
            f"'{value}' are not permissions",
            option=where,
            hint="quoted octal digits such as '1770'",
        )
    return int(value, 8)


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
    if kind == "volume" and source and not _NAME.fullmatch(source):
        raise InvalidOption(
            f"'{source}' is not the name of a volume",
            option=where,
            hint="two or more letters, digits, '_', '.' or '-'; a folder begins with /",
        )
    return posixpath.normpath(source) if kind == "bind" else source


def _inner(value: Mapping[str, Mount]) -> Iterator[Tuple[str, Tuple[int, int]]]:
    """Yield what needs a later API: older ones drop it silently, or mount something else."""
    for target, mount in value.items():
        if mount["type"] == "image":
            yield f"[{target}].type: image", (1, 48)
        elif mount.get("subpath"):
            yield f"[{target}].subpath", (1, 45)
        if mount.get("recursive") in ("writable", "readonly"):
            yield f"[{target}].recursive", (1, 44)
        elif mount["type"] == "bind" and mount.get("create_host_path") is not False:
            # Binds cannot say it, and Mounts make the folder since 1.42 only.
            if mount.get("recursive"):
                yield f"[{target}].recursive without create_host_path: false", (1, 42)
            elif mounts.has_colon(target, mount.get("source")):
                yield f"[{target}] with a colon, without create_host_path: false", (1, 42)


# The options of a driver may hold a password: their names only.
_SHOWN: Mapping[str, Callable[[Any], str]] = {
    "driver_opts": lambda options: show(list(options)),
    "mode": oct,
    "size": show_size,
}


def _show(mount: Mount) -> str:
    source = mount.get("source") or ("tmpfs" if mount["type"] == "tmpfs" else "anonymous volume")
    words = [*(["ro"] if mount.get("read_only") else []), *mount.get("options", ())]
    long = [key for key in mounts.LONG_ONLY if key in mount]
    words += [f"{key}: {_SHOWN.get(key, show)(mount[key])}" for key in long]
    return f"{source} ({', '.join(words)})" if words else str(source)


FIELDS = (
    FieldSpec(
        "volumes",
        at="HostConfig.Binds",
        beside=("HostConfig.Mounts", "Config.Volumes"),
        option={"type": "list", "elements": "raw"},
        compare="map",
        parse=parse_volumes,
        read=mounts.read,
        default=mounts.default,
        write=mounts.write,
        show=_show,
        inner=_inner,
    ),
)
