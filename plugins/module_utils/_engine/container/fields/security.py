# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rights: capabilities, security options, groups, and kernel parameters."""

from __future__ import annotations

import json
from typing import Any, Dict, Mapping, Tuple

from ...._desired.errors import InvalidOption
from ...._desired.fields import Context, FieldSpec
from ...._desired.values import dig
from .common import mapping, parse_set, words

_KEYS = ("apparmor", "label", "no-new-privileges", "seccomp", "systempaths", "mask", "unmask")
_FLAG = "no-new-privileges"
_SWITCH = {
    **dict.fromkeys(("", "1", "t", "true"), "true"),
    **dict.fromkeys(("0", "f", "false"), "false"),
}
_OPEN_PATHS = "systempaths=unconfined"
# The engine adds it by itself to what is privileged or shares the host's processes.
_ADDED = "label=disable"


def _capabilities(value: Any, where: str) -> Tuple[str, ...]:
    names = (word.upper() for word in parse_set(value, where))
    return tuple(sorted({name[4:] if name.startswith("CAP_") else name for name in names}))


def _capability_row(name: str, key: str) -> FieldSpec:
    def read(obj: Mapping[str, Any], context: Context) -> Tuple[str, ...]:
        return _capabilities(dig(obj, f"HostConfig.{key}") or (), name)

    return words(name, f"HostConfig.{key}", parse=_capabilities, read=read)


def _option(entry: str) -> str:
    """Return a security option in one spelling: `k=v`, a profile without needless blanks.

    `no-new-privileges=false` is not the same as none: an engine may have it on by default.
    """
    colon, equals = entry.find(":"), entry.find("=")
    key, _sep, value = entry.partition(":" if colon > 0 and (equals < 0 or colon < equals) else "=")
    if key == "seccomp" and value.lstrip().startswith("{"):
        value = json.dumps(json.loads(value), separators=(",", ":"))
    if key == _FLAG:
        value = _SWITCH.get(value.lower(), value)
    return f"{key}={value or 'true'}"


def _parse_options(value: Any, where: str) -> Tuple[str, ...]:
    for entry in parse_set(value, where):
        key = entry.replace(":", "=", 1).partition("=")[0]
        if key not in _KEYS:
            raise InvalidOption(
                f"'{key}' is not a security option",
                option=where,
                hint=f"use one of {', '.join(_KEYS)}",
            )
        if key == _FLAG and _option(entry) not in (f"{_FLAG}=true", f"{_FLAG}=false"):
            hint = f"{_FLAG}=true or =false"
            raise InvalidOption(f"'{entry}' must be on or off", option=where, hint=hint)
        _check_profile(entry, where)
    return tuple(sorted({_option(entry) for entry in value}))


def _check_profile(entry: str, where: str) -> None:
    """Raise InvalidOption for a profile that is no JSON: the engine reads no files of its host."""
    profile = entry[len("seccomp") + 1 :].strip()
    if not entry.startswith("seccomp") or profile in ("unconfined", "builtin"):
        return
    try:
        json.loads(profile)
    except ValueError:
        raise InvalidOption(
            "seccomp takes unconfined, builtin or a profile as JSON, not a file's name",
            option=where,
            hint="seccomp={{ lookup('file', 'profile.json') }}",
        ) from None


def _read_options(obj: Mapping[str, Any], context: Context) -> Tuple[str, ...]:
    declared = context.declared.get("security_opt") or ()
    modes = [dig(obj, f"HostConfig.{key}") for key in ("IpcMode", "PidMode")]
    added = dig(obj, "HostConfig.Privileged") or "host" in modes
    words = {_option(entry) for entry in dig(obj, "HostConfig.SecurityOpt") or ()}
    # To a privileged container all paths are open, whether or not it was asked for.
    privileged = dig(obj, "HostConfig.Privileged")
    if _OPEN_PATHS in declared if privileged else dig(obj, "HostConfig.MaskedPaths") == []:
        words.add(_OPEN_PATHS)
    return tuple(sorted(item for item in words if item != _ADDED or item in declared or not added))


def _write_options(body: Dict[str, Any], value: Any, context: Context) -> None:
    host = body.setdefault("HostConfig", {})
    host["SecurityOpt"] = [entry for entry in value if entry != _OPEN_PATHS]
    if _OPEN_PATHS in value:
        host.update(MaskedPaths=[], ReadonlyPaths=[])


def _show_options(value: Tuple[str, ...]) -> str:
    if not value:
        return "none"
    return "[" + ", ".join(entry if len(entry) < 60 else f"{entry[:40]}…" for entry in value) + "]"


FIELDS = (
    _capability_row("cap_add", "CapAdd"),
    _capability_row("cap_drop", "CapDrop"),
    words(
        "security_opt",
        "HostConfig.SecurityOpt",
        beside=("HostConfig.MaskedPaths",),
        parse=_parse_options,
        read=_read_options,
        write=_write_options,
        show=_show_options,
    ),
    words("group_add", "HostConfig.GroupAdd"),
    mapping("sysctls", "HostConfig.Sysctls"),
)
