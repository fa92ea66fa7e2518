# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the program is run: folder, names of the host, terminal, signals, runtime, platform."""

from __future__ import annotations

import re
from typing import Any, Dict, Mapping, Optional

from ...._desired.errors import InvalidOption
from ...._desired.fields import Context, FieldSpec
from ...._desired.schema import check_keys
from ...._desired.values import dig
from ...values.signals import signal_name, signal_number
from ...values.strings import parse_strings, parse_text
from .common import NOT_PODMAN, flag, mapping, reject_expansion, text

_HOSTNAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
_PLATFORM = re.compile(r"[a-z0-9]+(/[a-z0-9_]+(/[a-z0-9]+)?)?")
_TERM = "SIGTERM"


def _parse_folder(value: Any, where: str) -> str:
    path = parse_text(value, where)
    if not path.startswith("/"):
        raise InvalidOption(f"'{path}' is not an absolute path", option=where, hint="such as /srv")
    return reject_expansion(path, where).rstrip("/") or "/"


def _folder(path: Optional[str]) -> str:
    return (path or "").rstrip("/") or "/"


def _parse_hostname(value: Any, where: str) -> str:
    name = parse_text(value, where)
    if not _HOSTNAME.fullmatch(name):
        raise InvalidOption(
            f"'{name}' is not a host name",
            option=where,
            hint="up to 63 letters, digits, '-', '_' and '.'",
        )
    return name


def _read_hostname(obj: Mapping[str, Any], context: Context) -> Optional[str]:
    name = str(dig(obj, "Config.Hostname") or "")
    mode = str(dig(obj, "HostConfig.NetworkMode") or "")
    # Asked for nothing, the engine takes the id; in the host's network the host's own name.
    lent = mode == "host" or mode.startswith("container:") or dig(obj, "HostConfig.UTSMode")
    own = name == str(obj.get("Id"))[:12] or (lent and "hostname" not in context.declared)
    return None if own else name or None


def _signal(value: Any) -> str:
    """Return the name of a signal, by which `USR1`, `SIGUSR1` and `10` are the same."""
    number = signal_number(value)
    return signal_name(number) if number else str(value)


def parse_signal(value: Any, where: str) -> str:
    """Return the usual name of a signal; raise InvalidOption for what is none."""
    if signal_number(value) is None:
        raise InvalidOption(f"'{value}' is not a signal", option=where, hint="such as SIGUSR1")
    return _signal(value)


def _parse_platform(value: Any, where: str) -> str:
    platform = parse_text(value, where)
    if not _PLATFORM.fullmatch(platform):
        raise InvalidOption(
            f"'{platform}' is not a platform", option=where, hint="such as linux/arm64"
        )
    return platform


def _read_annotations(obj: Mapping[str, Any], context: Context) -> Dict[str, str]:
    given = dig(obj, "HostConfig.Annotations") or {}
    return {key: value for key, value in given.items() if not key.startswith("io.podman.")}


def _parse_spec(value: Any, where: str) -> Dict[str, str]:
    check_keys(value, ("config", "file", "registry"), where)
    return {str(key): parse_text(item, f"{where}.{key}") for key, item in value.items()}


def _write_spec(body: Dict[str, Any], value: Any, context: Context) -> None:
    options = body.setdefault("HostConfig", {}).setdefault("SecurityOpt", [])
    options += [f"credentialspec={kind}://{name}" for kind, name in value.items()]


FIELDS = (
    text(
        "working_dir",
        "Config.WorkingDir",
        parse=_parse_folder,
        read=lambda obj, context: _folder(dig(obj, "Config.WorkingDir")),
        default=lambda context: _folder(context.base.get("WorkingDir")),
    ),
    text("hostname", "Config.Hostname", parse=_parse_hostname, read=_read_hostname),
    text("domainname", "Config.Domainname", parse=_parse_hostname, only=NOT_PODMAN),
    flag("tty", "Config.Tty"),
    flag("stdin_open", "Config.OpenStdin"),
    flag("init", "HostConfig.Init"),
    text(
        "stop_signal",
        "Config.StopSignal",
        parse=parse_signal,
        read=lambda obj, context: _signal(dig(obj, "Config.StopSignal") or _TERM),
        default=lambda context: _signal(context.base.get("StopSignal") or _TERM),
    ),
    flag("read_only", "HostConfig.ReadonlyRootfs"),
    flag("privileged", "HostConfig.Privileged"),
    flag("auto_remove", "HostConfig.AutoRemove"),
    text("runtime", "HostConfig.Runtime", quiet=("runc", "oci", "crun")),
    # What it is on the engine is a matter of the image, which is compared by its id.
    text("platform", parse=_parse_platform, since=(1, 41)),
    mapping(
        "annotations",
        "HostConfig.Annotations",
        parse=parse_strings,
        read=_read_annotations,
        since=(1, 43),
    ),
    text("isolation", "HostConfig.Isolation", only=("windows",)),
    FieldSpec(
        "credential_spec",
        option={"type": "dict"},
        parse=_parse_spec,
        write=_write_spec,
        only=("windows",),
    ),
)
