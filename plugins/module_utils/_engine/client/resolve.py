# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which engine is meant: the options, the environment, a docker context, or a usual socket.

Every task loads this file; what reads and secures an address that was given is loaded where
one is.
"""

from __future__ import annotations

import os
from typing import Any, Mapping

from ..._desired.errors import InvalidOption
from .address import TLS_FILES, UNIX, USUAL, Address, client_folder
from .options import DEFAULT_SOCKET


def find_address(options: Mapping[str, Any], environment: Mapping[str, str], own: bool) -> Address:
    """Return the address that a task means.

    The first that is set decides, as with docker's own client: `engine_host`, `engine_context`,
    DOCKER_HOST, DOCKER_CONTEXT, the current context, the usual sockets. `own`: the host is this
    machine, so that the contexts of this user count. Raise InvalidOption for what cannot be used.
    """
    declared, context = options.get("engine_host"), options.get("engine_context")
    if declared and context:
        raise InvalidOption("cannot be combined with engine_host", option="engine_context")
    address, switches = Address(), environment
    if declared or (not context and environment.get("DOCKER_HOST")):
        from .parse_address import parse_address

        source = "" if declared else " (DOCKER_HOST in the environment)"
        address = parse_address(declared or environment["DOCKER_HOST"], source)
    elif own and (context or may_choose(environment)):
        from .docker_context import context_address

        chosen = context_address(context, environment)
        if chosen is not None:
            # What the environment says of TLS is not about a context.
            address, switches = chosen, {}
    if address.scheme == UNIX and not any(options.get(name) for name in ("engine_tls", *TLS_FILES)):
        return address
    from .tls import secured

    return secured(address, options, switches)


def may_choose(environment: Mapping[str, str]) -> bool:
    """Tell whether this user may have chosen a context of docker's client."""
    return bool(environment.get("DOCKER_CONTEXT")) or os.path.exists(
        os.path.join(client_folder(environment), "config.json")
    )


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
