# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why an engine could not be asked, in words: what no connection, half an answer, or age means."""

from __future__ import annotations

import contextlib
import socket
from typing import Tuple

from ..._desired.bounded_json import Unusable, decode
from ..._desired.errors import EngineMissing, FleetError
from .errors import ConnectionLost, EngineError

# The most of an engine's words in an error, in characters.
_WORDS = 4000


def too_old(server: str, version: Tuple[int, int]) -> FleetError:
    """Return the error of an engine whose newest API is older than ours, or unknown: (0, 0)."""
    if version == (0, 0):
        text = "the answer to HEAD /_ping is not a container engine's: it names no Api-Version"
        return EngineError(text, method="HEAD", path="/_ping")
    return FleetError(
        f"engine too old: {server} speaks API {version[0]}.{version[1]} at most",
        hint="API 1.40 (Docker 19.03) or later is needed",
    )


def missing(exc: OSError) -> EngineMissing:
    """Return the error of a connection that could not be opened."""
    where = str(exc.filename) if exc.filename else "the engine's address"
    if isinstance(exc, FileNotFoundError):
        text, hint = f"there is no socket at {where}", "start the engine, or correct engine_host"
    elif isinstance(exc, ConnectionRefusedError):
        text, hint = f"nothing listens at {where}", "start the engine, or correct engine_host"
    elif isinstance(exc, PermissionError):
        text = f"no permission to connect to {where}"
        hint = "add the user to the group of the socket (usually docker), or use become: true"
    else:
        text = f"cannot connect to {where}: {exc.strerror or exc}"
        hint = "engine_host must name the socket of a running engine"
    return EngineMissing(text, hint=hint)


def failure(exc: Exception, method: str, path: str, timeout: float) -> EngineError:
    """Turn whatever went wrong during a request into the one error family."""
    if isinstance(exc, EngineError):
        return exc
    what = f"{method} {path}"
    if isinstance(exc, socket.timeout):
        return ConnectionLost(
            f"the engine did not answer {what} within {timeout:g} s",
            method=method,
            path=path,
            hint="check the engine's log, or raise engine_timeout",
        )
    if isinstance(exc, ValueError):
        text = f"the answer to {what} is not a container engine's: {exc}"
        return EngineError(text, method=method, path=path)
    text = f"the connection to the engine broke during {what}: {exc}"
    return ConnectionLost(text, method=method, path=path)


def refusal(status: int, body: bytes, method: str, path: str) -> EngineError:
    """Return the error that an answer is, in the daemon's own words."""
    output = ""
    if status >= 400:
        output = body.decode("utf-8", "replace").strip()
        with contextlib.suppress(ValueError, TypeError, KeyError):
            output = decode(body)["message"]
    text = str(output or f"the engine answered {status} to {method} {path}")[:_WORDS]
    return EngineError(text, status=status, method=method, path=path)


def unreadable(status: int, body: bytes, error: ValueError, method: str, path: str) -> EngineError:
    """Return the error of an answer that is no JSON, or none of an engine."""
    seen = body[:60].decode("utf-8", "replace")
    text = f"the answer to {method} {path} is not JSON: it begins with {seen!r}"
    if isinstance(error, Unusable):
        text = f"the answer to {method} {path} is not a container engine's: {error}"
    return EngineError(text, status=status, method=method, path=path)
