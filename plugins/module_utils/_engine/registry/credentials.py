# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials of registries, as Docker's client keeps them on this machine: config.json and the
credential helpers that it names (docker/cli, "docker login", "Credential helpers"). Reading only.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional

from ..._desired.errors import FleetError

# Docker Hub's key in config.json, and the name by which helpers know it.
HUB = "https://index.docker.io/v1/"
# What a helper says when it has nothing (docker-credential-helpers, credentials/error.go).
_NOTHING = "credentials not found in native keychain"
TOKEN = "<token>"  # a user name that says: the secret is an identity token
# Seconds; a helper may ask its keychain's daemon, or a cloud.
_PATIENCE = 60


@dataclass(frozen=True)
class Login:
    """What a registry wants to see; the secret parts are in no representation.

    Either `username` and `password`, or an identity `token`.
    """

    username: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    def header(self, registry: str) -> str:
        """Return the value of `X-Registry-Auth` (Engine API, "Authentication")."""
        output = {"serveraddress": registry, "identitytoken": self.token}
        if not self.token:
            output = {**output, "username": self.username, "password": self.password}
        text = json.dumps({key: value for key, value in output.items() if value})
        return base64.urlsafe_b64encode(text.encode("utf-8")).decode("ascii")


# The engine wants the header even where there is nothing to say (push).
ANONYMOUS = base64.urlsafe_b64encode(b"{}").decode("ascii")


def registry_of(name: str) -> str:
    """Return the registry of a reference as config.json names it: `host[:port]`, or HUB."""
    first, slash, _rest = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return HUB if first in ("docker.io", "index.docker.io") else first
    return HUB


def config_path() -> str:
    """Return the path of the client's config.json on this machine, for the user who runs this."""
    folder = os.environ.get("DOCKER_CONFIG") or os.path.join(os.path.expanduser("~"), ".docker")
    return os.path.join(folder, "config.json")


def read_config(path: str) -> Dict[str, Any]:
    """Return what config.json holds, {} if there is none that this user may read.

    Raise FleetError if it is no JSON object; its content is not repeated.
    """
    try:
        with open(path, encoding="utf-8") as file:
            config = json.load(file)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return {}
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "it is not JSON"
        raise _unusable(path, str(reason)) from None
    if not isinstance(config, dict):
        raise _unusable(path, "it is not a JSON object")
    return config


def find(registry: str, path: Optional[str] = None) -> Optional[Login]:
    """Return this machine's credentials for a registry (see registry_of), None if it has none.

    A helper of the registry comes before the store of all, and both before the file, as in
    Docker's client. Raise FleetError if the helper or the file cannot be used.
    """
    path = path or config_path()
    config = read_config(path)
    helper = helper_of(config, registry)
    if helper:
        return _of_helper(helper, registry)
    entry = entry_of(config, registry)
    return _of_entry(entry, path) if entry else None


def helper_of(config: Mapping[str, Any], registry: str) -> str:
    """Return the helper of a registry: `X` of `docker-credential-X`, or "" for none."""
    helpers = config.get("credHelpers")
    own = helpers.get(_host(registry)) if isinstance(helpers, Mapping) else None
    return str(own or config.get("credsStore") or "")


def entry_of(config: Mapping[str, Any], registry: str) -> Dict[str, Any]:
    """Return the registry's entry of `auths`, {} if there is none.

    Older clients wrote addresses with a scheme and a path, which mean the same registry.
    """
    auths = config.get("auths")
    if not isinstance(auths, Mapping):
        return {}
    alike = [key for key in auths if _host(str(key)) == _host(registry)]
    for key in (registry, *alike):
        if isinstance(auths.get(key), Mapping):
            return dict(auths[key])
    return {}


def run_helper(helper: str, verb: str, text: str) -> Optional[str]:
    """Run `docker-credential-HELPER VERB` with `text` on its input; return what it prints.

    None says that it has no such credentials. Raise FleetError if it fails; a helper prints
    no secrets when it fails, but only its first line is repeated.
    """
    program = f"docker-credential-{helper}"
    try:
        # The core knows no AnsibleModule, whose run_command this would be.
        done = subprocess.run(  # pylint: disable=ansible-bad-function
            [program, verb],
            input=text,
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as exc:
        raise _helper_failed(program, str(getattr(exc, "strerror", "") or exc)) from exc
    if done.returncode == 0:
        return done.stdout
    output = (done.stdout.strip() or done.stderr.strip()).splitlines()
    if output and _NOTHING in output[0]:
        return None
    raise _helper_failed(program, output[0] if output else f"it ended with {done.returncode}")


def _of_helper(helper: str, registry: str) -> Optional[Login]:
    text = run_helper(helper, "get", registry)
    if text is None:
        return None
    try:
        output = json.loads(text)
        user, secret = str(output["Username"]), str(output["Secret"])
    except (ValueError, KeyError, TypeError):
        raise _helper_failed(f"docker-credential-{helper}", "its answer is not a login") from None
    return Login(token=secret) if user == TOKEN else Login(user, secret)


def _of_entry(entry: Mapping[str, Any], path: str) -> Optional[Login]:
    if entry.get("identitytoken"):
        return Login(token=str(entry["identitytoken"]))
    user, password = str(entry.get("username") or ""), str(entry.get("password") or "")
    if entry.get("auth"):
        try:
            text = base64.b64decode(str(entry["auth"]), validate=True).decode("utf-8")
        except ValueError:
            raise _unusable(path, "an auth in it is not base64") from None
        user, _colon, password = text.partition(":")
        password = password.rstrip("\0")  # as the client does
    return Login(user, password) if user else None


def _host(address: str) -> str:
    """Return the host[:port] of a registry's address, with or without scheme and path."""
    return address.partition("://")[2].partition("/")[0] or address.partition("/")[0]


def _unusable(path: str, reason: str) -> FleetError:
    return FleetError(
        f"cannot use {path}: {reason}", hint="correct it, or log in anew where this task runs"
    )


def _helper_failed(program: str, reason: str) -> FleetError:
    return FleetError(
        f"{program} failed: {reason}",
        hint="install it, or take it out of credHelpers and credsStore in config.json",
    )
