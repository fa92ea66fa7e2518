# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine's address, as the host sees it, whichever machine this runs on."""

from __future__ import annotations

import os
from typing import Mapping, NamedTuple, Optional

from .options import DEFAULT_SOCKET

UNIX, TCP, SSH = "unix://", "tcp://", "ssh://"
# Where engines listen unless an address is given, in the order they are looked for, for a shell of
# the user: Docker, rootless Docker, the user's own Podman, the system's.
USUAL = (
    DEFAULT_SOCKET,
    '"${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/docker.sock"',
    '"${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/podman/podman.sock"',
    "/run/podman/podman.sock",
)
# What a task may say of TLS beside `engine_tls`.
TLS_FILES = ("engine_ca", "engine_cert", "engine_key", "engine_tls_hostname")


class Address(NamedTuple):
    """An engine's address; an empty `path` of a `unix://` one means the usual sockets."""

    scheme: str = UNIX
    path: str = ""
    host: str = ""
    port: int = 0
    user: str = ""
    tls: Optional[Tls] = None

    def __str__(self) -> str:
        """Return it as it would be declared."""
        user = f"{self.user}@" if self.user else ""
        port = f":{self.port}" if self.port else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}{user}{host}{port}{self.path}"


def client_folder(environment: Mapping[str, str]) -> str:
    """Return where docker's client keeps this user's settings."""
    return environment.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")


class Tls(NamedTuple):
    """Files in PEM (empty: the system's authorities, no client certificate) and the name sought."""

    ca: str = ""
    cert: str = ""
    key: str = ""
    name: str = ""
