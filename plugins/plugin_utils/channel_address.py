# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which unix socket is the engine's: the option, the environment, or the usual place."""

from __future__ import annotations

import os
from typing import Any, Iterator, Mapping, Optional, Tuple

from ..module_utils._desired.errors import InvalidOption
from .plain import plain

DEFAULT_PATH = "/var/run/docker.sock"
SCHEME = "unix://"
# sun_path of sockaddr_un on Linux holds 108 bytes with its closing NUL (unix(7)).
LONGEST_PATH = 107


def engine_path(action: Any, option: Optional[str], local: bool) -> str:
    """Return the absolute path of the engine's unix socket on the task's host.

    The first that is set decides: the option, DOCKER_HOST of the task's `environment:`, the
    controller's DOCKER_HOST if the connection is `local`, `/var/run/docker.sock`.
    Raise InvalidOption on `engine_host` for an address that is no usable `unix://` one.
    """
    for source, value in _declared(action, option, local):
        if value:
            return _path(plain(value), source)
    return DEFAULT_PATH


def _declared(action: Any, option: Optional[str], local: bool) -> Iterator[Tuple[str, Any]]:
    yield "", option
    yield " (DOCKER_HOST in the task's environment)", _task_environment(action)
    if local:
        yield " (DOCKER_HOST of the controller)", os.environ.get("DOCKER_HOST")


def _task_environment(action: Any) -> Any:
    """Return DOCKER_HOST as the task's `environment:` sets it, or None.

    ansible-core gives a list of mappings, outermost first, and applies it to modules only.
    """
    found = None
    parts = action._task.environment or []
    for part in parts if isinstance(parts, list) else [parts]:
        values = action._templar.template(part) if part else None
        if isinstance(values, Mapping) and "DOCKER_HOST" in values:
            found = values["DOCKER_HOST"]
    return found


def _path(address: Any, source: str) -> str:
    fault, right = _fault(address)
    if fault:
        raise InvalidOption(fault + source, option="engine_host", hint=right)
    return str(address)[len(SCHEME) :]


def _fault(address: Any) -> Tuple[str, str]:
    """Return what is wrong with an address and what would be right; two empty strings if nothing.

    Of an address that is not a path only the scheme is repeated: it could hold a password.
    """
    example = f"give {SCHEME} and an absolute path, for example {SCHEME}{DEFAULT_PATH}"
    if not isinstance(address, str):
        return f"must be a string, got {type(address).__name__}", example
    if address.startswith("/"):
        return f"a path without a scheme: {address}", f"write {SCHEME}{address}"
    if not address.startswith(SCHEME):
        scheme = address.split("://")[0] + "://" if "://" in address else "an address without one"
        return f"only {SCHEME} is accepted, got {scheme}", example
    path = address[len(SCHEME) :]
    if "~" in path or "$" in path:
        return f"'~' and '$' are not expanded on the host: {path}", "write the path in full"
    if not path.startswith("/") or not path.isprintable():
        return f"not an absolute path: {path!r}", example
    if len(path.encode()) > LONGEST_PATH:
        return f"the path is longer than {LONGEST_PATH} bytes: {path}", "name a shorter path"
    return "", ""
