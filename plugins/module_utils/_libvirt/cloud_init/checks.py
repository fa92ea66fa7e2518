# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the option `cloud_init` may hold: checked before anything is made, values never shown.

cloud-init skips most of what it does not understand with a warning in the guest's log, where
nobody looks: so it is refused here.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, List, Mapping, NoReturn, Sequence

from ..._desired.errors import Faults, InvalidOption
from ..._desired.input_checks import check_known
from ..._desired.schema import check_keys

# The beginnings by which cloud-init 22.4 to 26.2 tells kinds of user data (handlers/__init__.py).
_KINDS = (
    "#cloud-config",
    "#!",
    "#include",
    "#cloud-boothook",
    "#part-handler",
    "## template: jinja",
)
# Keys that the seed of a machine sets itself: in text they could neither be merged nor seen.
_OURS = re.compile(r"""^["']?(ssh_keys|final_message|vendor_data)["']?\s*:""", re.MULTILINE)
_LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOSTNAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")
# options, type, base64, comment: sshd(8), "AUTHORIZED_KEYS FILE FORMAT".
_PUBLIC_KEY = re.compile(r"(\S.* )?(ssh|ecdsa|sk-ssh|sk-ecdsa)-\S+ [A-Za-z0-9+/]{16,}=*( .*)?")


# cc_users_groups and cc_write_files of cloud-init 26.2 (schema-cloud-config-v1.json); with
# "-" for "_" too. What a newer one knows beside them can be written in user_data.
_USER_KEYS = (
    *("name", "create_groups", "doas", "expiredate", "gecos", "groups", "hashed_passwd", "homedir"),
    *("inactive", "lock_passwd", "no_create_home", "no_log_init", "no_user_group", "passwd"),
    *("plain_text_passwd", "primary_group", "selinux_user", "shell", "snapuser"),
    *("ssh_authorized_keys", "ssh_import_id", "ssh_redirect_user", "sudo", "system", "uid"),
)
_FILE_KEYS = ("path", "append", "content", "defer", "encoding", "owner", "permissions", "source")


def check(cloud_init: Any) -> None:
    """Raise InvalidOption for anything that cannot be right, naming its key path."""
    _mapping(cloud_init, "cloud_init")
    checks = {**_CHECKS, **SHORTCUTS}
    faults = Faults()
    with faults:
        check_known(cloud_init, {key: {"type": "raw"} for key in checks}, "cloud_init")
    for key, value in cloud_init.items():
        if value is not None and key in checks:
            with faults:
                checks[key](value, f"cloud_init.{key}")
    faults.tell()
    _check_conflicts(cloud_init)


def is_script(user_data: str) -> bool:
    """Tell whether user data in text is a program, which holds no cloud-config."""
    return user_data.startswith(("#!", "#cloud-boothook"))


def _fail(option: str, message: str, hint: str) -> NoReturn:
    raise InvalidOption(message, option=option, hint=hint)


def _mapping(value: Any, where: str) -> None:
    if not isinstance(value, Mapping):
        _fail(where, f"it is {_kind(value)}", "write a mapping of keys and values")
    for key in value:
        if not isinstance(key, str):
            _fail(where, "one of its keys is not text", "put the key in quotes")


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "text"
    return "a list" if isinstance(value, (list, tuple)) else f"of type {type(value).__name__}"


def _items(value: Any, where: str) -> Sequence[Any]:
    if not isinstance(value, (list, tuple)):
        _fail(where, f"it is {_kind(value)}", "write a list")
    return value


def _check_keys(value: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    """Refuse a key that cloud-init would skip: a misspelt one may lock its user out."""
    check_keys({key.replace("-", "_"): None for key in value}, known, where)


def _text(value: Any, where: str, hint: str = "write text, in quotes where needed") -> str:
    if not isinstance(value, str) or not value:
        _fail(where, "it is empty" if value == "" else f"it is {_kind(value)}", hint)
    return str(value)


def _user_data(value: Any, where: str) -> None:
    if not isinstance(value, str):
        _mapping(value, where)
        _own_keys(value, where)
    elif not value.startswith(_KINDS):
        _fail(
            where,
            "it is neither a mapping nor text of a kind that cloud-init knows",
            f"write a mapping, or begin the text with one of {', '.join(_KINDS)}",
        )
    elif not is_script(value):
        match = _OURS.search(value)
        if match:
            _fail(where, f"its text sets {match.group(1)}", "write user_data as a mapping")


def _own_keys(value: Mapping[str, Any], where: str) -> None:
    if value.get("ssh_keys") is not None:
        _fail(
            f"{where}.ssh_keys",
            "the host key is made with the machine, so that it is known before the first contact",
            "leave it out",
        )
    if value.get("final_message") is not None:
        _text(value["final_message"], f"{where}.final_message")


def _meta_data(value: Any, where: str) -> None:
    _mapping(value, where)
    for key in ("instance-id", "instance_id"):
        if key in value:
            _fail(f"{where}.{key}", "the machine's own is used", "leave it out; see reseed")


def _network_config(value: Any, where: str) -> None:
    _mapping(value, where)
    inner = value.get("network", value)
    _mapping(inner, f"{where}.network")
    if inner.get("version") not in (1, 2) or isinstance(inner["version"], bool):
        _fail(f"{where}.version", "it is neither 1 nor 2", "write version: 2, as netplan does")


def _hostname(value: Any, where: str) -> None:
    if not _HOSTNAME.fullmatch(_text(value, where)) or len(value) > 253:
        _fail(where, "it is not a host name", "use letters, digits, '-' and '.'")


def _users(value: Any, where: str) -> None:
    for number, user in enumerate(_items(value, where)):
        here = f"{where}[{number}]"
        if isinstance(user, str) and user:
            continue
        if not isinstance(user, Mapping):
            _fail(here, f"it is {_kind(user)}", "write default, or a mapping with a name")
        _mapping(user, here)
        _check_keys(user, _USER_KEYS, here)
        if not isinstance(user.get("name"), str) or not user["name"]:
            _fail(here, "it has no name", "add name")
        if user.get("ssh_authorized_keys") is not None:
            _public_keys(user["ssh_authorized_keys"], f"{here}.ssh_authorized_keys")


def _public_keys(value: Any, where: str) -> None:
    for number, key in enumerate(_items(value, where)):
        if not isinstance(key, str) or not _PUBLIC_KEY.fullmatch(key.strip()):
            _fail(
                f"{where}[{number}]",
                "it is not a public key",
                "write the key itself, as in a .pub file: ssh-ed25519 AAAA… comment",
            )


def _packages(value: Any, where: str) -> None:
    for number, package in enumerate(_items(value, where)):
        pair = isinstance(package, (list, tuple)) and len(package) == 2
        if not pair and not isinstance(package, Mapping):
            _text(package, f"{where}[{number}]", "write a name, or a list of name and version")


def _runcmd(value: Any, where: str) -> None:
    for number, command in enumerate(_items(value, where)):
        if isinstance(command, (list, tuple)) and command:
            for place, word in enumerate(command):
                if not isinstance(word, (str, int, float)):
                    _fail(f"{where}[{number}][{place}]", "it is not text", "write one word")
        else:
            _text(command, f"{where}[{number}]", "write a command, or a list of its words")


def _write_files(value: Any, where: str) -> None:
    for number, entry in enumerate(_items(value, where)):
        here = f"{where}[{number}]"
        _mapping(entry, here)
        _check_keys(entry, _FILE_KEYS, here)
        if not isinstance(entry.get("content", ""), (str, bytes)):
            _fail(f"{here}.content", f"it is {_kind(entry['content'])}", "write text")
        if not isinstance(entry.get("path"), str) or not entry["path"].startswith("/"):
            _fail(f"{here}.path", "it is missing or not absolute", "write a path such as /etc/motd")
        mode = entry.get("permissions")
        if mode is not None and not (isinstance(mode, str) and re.fullmatch("0?[0-7]{3,4}", mode)):
            _fail(f"{here}.permissions", "it is not an octal mode", "write it in quotes: '0644'")


def _check_conflicts(cloud_init: Mapping[str, Any]) -> None:
    given = [key for key in SHORTCUTS if cloud_init.get(key) is not None]
    user_data = cloud_init.get("user_data")
    if isinstance(user_data, str):
        if given and not is_script(user_data):
            _fail(
                f"cloud_init.{given[0]}",
                "it cannot be merged into user_data that is text",
                "write user_data as a mapping, or put it into the text",
            )
        user_data = {}
    for key in given:
        if key in (user_data or {}):
            _fail(f"cloud_init.{key}", "it stands in user_data too", "keep one of the two")
    _check_default_user(cloud_init, user_data or {})


def _check_default_user(cloud_init: Mapping[str, Any], user_data: Mapping[str, Any]) -> None:
    """Refuse keys for the image's own user where `users` leaves that user out."""
    if cloud_init.get("ssh_authorized_keys") and cloud_init.get("users") is not None:
        names: List[Any] = [
            u.get("name") if isinstance(u, Mapping) else u for u in cloud_init["users"]
        ]
        if "default" not in names and user_data.get("disable_root") is not False:
            _fail(
                "cloud_init.ssh_authorized_keys",
                "they are for the image's default user, which users leaves out",
                "add default to users, or give the keys to one of them",
            )


_CHECKS: Dict[str, Callable[[Any, str], None]] = {
    "user_data": _user_data,
    "meta_data": _meta_data,
    "network_config": _network_config,
}
# Keys of cloud-config that need no user_data around them.
SHORTCUTS: Dict[str, Callable[[Any, str], None]] = {
    "hostname": _hostname,
    "fqdn": _hostname,
    "users": _users,
    "ssh_authorized_keys": _public_keys,
    "packages": _packages,
    "runcmd": _runcmd,
    "write_files": _write_files,
}
