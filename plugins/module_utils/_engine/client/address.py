# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which engine is meant: the options, the environment, a docker context, or a usual socket.

An address is as the host sees it, whichever machine this runs on. Every task loads this file; what
reads and secures an address that somebody named is loaded where one is.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Mapping, NamedTuple, Optional

from ..._desired.errors import InvalidOption
from .options import DEFAULT_SOCKET

if TYPE_CHECKING:
    from .tls import Tls

UNIX, TCP, SSH = "unix://", "tcp://", "ssh://"
# Where engines listen if nobody says otherwise, in the order they are looked for, for a shell of
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


def find_address(options: Mapping[str, Any], environment: Mapping[str, str], own: bool) -> Address:
    """Return the address that a task means.

    The first that is set decides, as with docker's own client: `engine_host`, `engine_context`,
    DOCKER_HOST, DOCKER_CONTEXT, the current context, the usual sockets. `own`: the host is this
    machine, so that the contexts of this user count. Raise InvalidOption for what cannot be used.
    """
    declared, context = options.get("engine_host"), options.get("engine_context")
    if declared and context:
        raise InvalidOption("cannot be given beside engine_host", option="engine_context")
    address, switches = Address(), environment
    if declared or (not context and environment.get("DOCKER_HOST")):
        from .parse_address import parse_address

        source = "" if declared else " (DOCKER_HOST in the environment)"
        address = parse_address(declared or environment["DOCKER_HOST"], source)
    elif own and (context or may_choose(environment)):
        from .docker_context import context_address

        found = context_address(context, environment)
        if found is not None:
            # What the environment says of TLS is not about a context.
            address, switches = found, {}
    if address.scheme == UNIX and not any(options.get(name) for name in ("engine_tls", *TLS_FILES)):
        return address
    from .tls import secured

    return secured(address, options, switches)


def may_choose(environment: Mapping[str, str]) -> bool:
    """Tell whether this user may have chosen a context of docker's client."""
    return bool(environment.get("DOCKER_CONTEXT")) or os.path.exists(
        os.path.join(client_folder(environment), "config.json")
    )


def client_folder(environment: Mapping[str, str]) -> str:
    """Return where docker's client keeps this user's settings."""
    return environment.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")


def engine_name(address: Address) -> str:
    """Return one text for an engine, whoever asks for it and by whatever link to its socket."""
    if address.scheme != UNIX:
        return str(address._replace(user=""))
    return UNIX + os.path.realpath(address.path or usual_socket())


def usual_socket() -> str:
    """Return the first of the usual sockets that this user may use, else Docker's."""
    folder = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}"
    rest = (f"{folder}/docker.sock", f"{folder}/podman/podman.sock", USUAL[-1])
    usable = (path for path in (DEFAULT_SOCKET, *rest) if os.access(path, os.W_OK))
    return next(usable, DEFAULT_SOCKET)
