# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeping credentials as Docker's client does: helpers where there are, config.json otherwise.

As in docker/cli, "docker login": an entry in `auths` says that there is a login; what a helper
keeps is not in the file.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
from typing import Any, Dict

from ..._desired.errors import FleetError
from ..._desired.lock import lock
from ..._desired.safe_files import words, written
from .credentials import TOKEN, Login, read_config, run_helper


def keep(registry: str, login: Login, helper: str, path: str) -> None:
    """Store a login in a helper, or as plain text in config.json if there is none."""
    entry: Dict[str, str] = {}
    if helper:
        secret = {"Username": login.username, "Secret": login.password}
        if login.token:
            secret = {"Username": TOKEN, "Secret": login.token}
        run_helper(helper, "store", json.dumps({"ServerURL": registry, **secret}))
    else:
        pair = f"{login.username}:{'' if login.token else login.password}"
        entry["auth"] = base64.b64encode(pair.encode("utf-8")).decode("ascii")
        if login.token:
            entry["identitytoken"] = login.token
    with lock(f"file {path}"):
        config = _strict(path)
        auths = {**_others(config, registry), registry: entry}
        write_config(path, {**config, "auths": auths})


def remove_login(registry: str, helper: str, path: str) -> None:
    """Remove a login from its helper and from config.json."""
    if helper:
        run_helper(helper, "erase", registry)
    with lock(f"file {path}"):
        config = _strict(path)
        auths = _others(config, registry)
        if auths != config.get("auths", {}):
            write_config(path, {**config, "auths": auths})


def is_listed(config: Any, registry: str) -> bool:
    """Tell if config.json names the registry, under any of its spellings."""
    auths = config.get("auths") or {}
    return len(_others(config, registry)) != len(auths)


def _others(config: Any, registry: str) -> Dict[str, Any]:
    """Return the entries of all other registries; older clients wrote a scheme and a path."""
    auths: Dict[str, Any] = config.get("auths") or {}
    return {key: value for key, value in auths.items() if host(key) != host(registry)}


def host(address: str) -> str:
    """Return the host[:port] of a registry's address, with or without scheme and path."""
    return address.rpartition("://")[2].partition("/")[0]


def _strict(path: str) -> Dict[str, Any]:
    """Return what config.json holds; one that cannot be read must not be written over."""
    if os.path.lexists(path) and not os.access(path, os.R_OK):
        raise FleetError(f"cannot read {path}", hint="make it readable for the user of this task")
    return read_config(path)


def write_config(path: str, config: Dict[str, Any]) -> None:
    """Replace config.json at once, for its owner alone; a link to it stays one."""
    real = os.path.realpath(path)
    text = json.dumps(config, indent="\t") + "\n"
    try:
        os.makedirs(os.path.dirname(real), mode=0o700, exist_ok=True)
        with written(real, private=True) as part:
            part.write(text.encode("utf-8"))
            part.flush()
            with contextlib.suppress(OSError):  # root may care for another user's file
                seen = os.stat(real)
                os.chown(part.path, seen.st_uid, seen.st_gid)
            part.appear(0o600)
    except OSError as exc:
        raise FleetError(f"cannot write {words(exc)}") from exc
