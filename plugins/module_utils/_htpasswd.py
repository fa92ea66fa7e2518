# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a password file of users has to hold, as an Ansible module.

A line is `NAME:HASH`, by bcrypt: the registry's program takes no other hash. They are made by
crypt(3), which every Debian has (libcrypt1 is essential), and most others too.
"""

from __future__ import annotations

import ctypes
import os
import re
import secrets
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from ansible.module_utils.basic import AnsibleModule

from ._desired.errors import Faults, FleetError, InvalidOption

# A password and a setting or a whole hash, both as the C library takes them; empty if it cannot.
Crypt = Callable[[bytes, bytes], str]

# 2 to the power of it are bcrypt's rounds: a tenth of a second, paid for every request of a client.
COST = 10
# The most that is computed for a hash that is there: the time doubles with each.
_HASH = re.compile(r"\$2[aby]\$(?:0[4-9]|1[0-4])\$[./A-Za-z0-9]{53}")
_LIBRARIES = ("libcrypt.so.1", "libcrypt.so.2", "libcrypt.so", "libc.so.6", "libc.so")
_LARGEST = 1 << 20
_ALPHABET = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
# bcrypt reads no further (the paper of Provos and Mazières, "A Future-Adaptable Password Scheme").
_LONGEST = 72


def check(users: Sequence[Mapping[str, str]]) -> None:
    """Raise InvalidOption for names and passwords that the file cannot have, all at once."""
    faults, names = Faults(), set()
    for number, user in enumerate(users):
        name, place = user["name"], f"users[{number}]"
        with faults:
            _check_name(name, f"{place}.name")
            if name in names:
                raise InvalidOption(f"{name} is there twice", option=f"{place}.name")
        names.add(name)
        with faults:
            _check_password(user["password"], f"{place}.password")
    faults.tell()


def _check_name(name: str, option: str) -> None:
    if not name or name != name.strip() or not name.isprintable():
        raise InvalidOption("needs printable characters, and no blank around them", option=option)
    if ":" in name or name.startswith("#"):
        raise InvalidOption(
            "may have no colon, and no # at its beginning, in a password file", option=option
        )


def _check_password(password: str, option: str) -> None:
    # Nothing of it is said.
    size = len(password.encode("utf-8", "surrogateescape"))
    if not size or "\0" in password:
        raise InvalidOption("is empty, or has a null in it", option=option)
    if size > _LONGEST:
        text = f"has {size} bytes, of which bcrypt would read {_LONGEST}"
        raise InvalidOption(text, option=option, hint="take a shorter one")


def renewed(text: str, users: Sequence[Mapping[str, str]], crypt: Crypt) -> Dict[str, Any]:
    """Return the `content` that a file with this text has to get, and who differs.

    A hash that is there stays if the password matches it, however its rounds are. `added`,
    `updated` and `removed` are sorted names.
    """
    hashes = dict(line.strip().split(":", 1) for line in text.splitlines() if _is_user(line))
    lines, updated = [], []
    for user in sorted(users, key=lambda entry: entry["name"]):
        name = user["name"]
        password = user["password"].encode("utf-8", "surrogateescape")
        stored = hashes.get(name, "")
        if not _HASH.fullmatch(stored) or crypt(password, stored.encode()) != stored:
            updated.append(name)
            stored = crypt(password, _setting())
            if not _HASH.fullmatch(stored):
                raise FleetError("the C library of this host has no bcrypt")
        lines.append(f"{name}:{stored}\n")
    names = {user["name"] for user in users}
    return {
        "content": "".join(lines),
        "added": [name for name in updated if name not in hashes],
        "updated": [name for name in updated if name in hashes],
        "removed": sorted(hashes.keys() - names),
    }


def _is_user(line: str) -> bool:
    return ":" in line and not line.strip().startswith("#")


def _setting() -> bytes:
    # 128 bits of salt are 21 characters, and two bits more.
    salt = "".join(secrets.choice(_ALPHABET) for _sign in range(21)) + secrets.choice(".Oeu")
    return f"$2b${COST:02}${salt}".encode()


def system_crypt() -> Crypt:
    """Return crypt(3) of this host, found by the names that C libraries have."""
    for name in _LIBRARIES:
        try:
            function = ctypes.CDLL(name).crypt
        except (OSError, AttributeError):
            continue
        function.restype, function.argtypes = ctypes.c_char_p, (ctypes.c_char_p, ctypes.c_char_p)
        return lambda password, setting, call=function: (  # type: ignore[misc]
            call(password, setting) or b""
        ).decode("ascii", "replace")
    raise FleetError("this host has no crypt(3) to hash passwords with")


def read(path: str) -> str:
    """Return the file's text; empty if it is not there. OSError for what is no file to read."""
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size > _LARGEST:
                raise FleetError("is larger than 1 MiB", option="path")
            return file.read().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return ""


def answer(params: Mapping[str, Any], crypt: Optional[Crypt] = None) -> Dict[str, Any]:
    """Return the module's result for its parameters; FleetError or OSError if it has none."""
    users: List[Mapping[str, str]] = params["users"]
    check(users)
    return {"changed": False, **renewed(read(params["path"]), users, crypt or system_crypt())}


def main() -> None:
    """Run the module and exit with its result."""
    inner = {
        "name": {"type": "str", "required": True},
        "password": {"type": "str", "required": True, "no_log": True},
    }
    spec = {
        "path": {"type": "path", "required": True},
        "users": {"type": "list", "elements": "dict", "required": True, "options": inner},
    }
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    try:
        result = answer(module.params)
    except (FleetError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)
