# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the contexts of docker's client, as `docker context` writes them below ~/.docker."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any, Dict, Mapping, Optional

from ..._desired.errors import InvalidOption
from .address import Address, client_folder
from .parse_address import parse_address
from .tls import files_in


def context_address(name: Optional[str], environment: Mapping[str, str]) -> Optional[Address]:
    """Return the address of the context that is named, or of the user's own choice.

    None if there is no choice, or the context `default`, which is no file but what holds without.
    Raise InvalidOption on `engine_context` for one that is not there or cannot be used.
    """
    folder = client_folder(environment)
    chosen = name or environment.get("DOCKER_CONTEXT") or _current(folder)
    if not chosen or chosen == "default":
        return None
    identity = hashlib.sha256(chosen.encode()).hexdigest()
    endpoint = _endpoint(os.path.join(folder, "contexts", "meta", identity, "meta.json"), chosen)
    address = parse_address(endpoint.get("Host"), f" (docker context {chosen})")
    if endpoint.get("SkipTLSVerify"):
        raise InvalidOption(
            f"docker context {chosen} skips the verification of certificates, which is not "
            "allowed here",
            option="engine_context",
            hint="give the context the authority's certificate (docker context update)",
        )
    tls = files_in(os.path.join(folder, "contexts", "tls", identity, "docker"))
    return address._replace(tls=tls) if any(tls) else address


def _current(folder: str) -> str:
    """Return the context that `docker context use` chose."""
    try:
        with open(os.path.join(folder, "config.json"), encoding="utf-8") as file:
            chosen = json.load(file).get("currentContext")
    except (OSError, ValueError, AttributeError):
        # Docker's client itself goes on with a warning.
        return ""
    return str(chosen or "")


def _endpoint(path: str, name: str) -> Dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            return dict(json.load(file)["Endpoints"]["docker"])
    except FileNotFoundError:
        raise InvalidOption(
            f"there is no docker context {name}",
            option="engine_context",
            hint="docker context ls shows those of the user",
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidOption(
            f"docker context {name} cannot be read ({path}: {error})", option="engine_context"
        ) from error
