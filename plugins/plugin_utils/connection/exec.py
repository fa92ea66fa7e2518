# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands in a container, with their input and output as bytes."""

from __future__ import annotations

import time
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from ansible.module_utils.common.text.converters import to_bytes

from ...module_utils._desired.errors import FleetError
from ...module_utils._engine.client.engine import Client
from ...module_utils._engine.client.errors import EngineError
from ...module_utils._engine.client.raw_stream import OUTPUT, Frames, Raw, exit_code
from .engine import Link

# What a shell says of a command that it cannot run (POSIX, 2.8.2).
NOT_RUN = (126, 127)
# How long a become method may take to ask for a password, or to let us in (seconds).
ASKING = 30.0
OUT, ERR = 1, 2


class Done(NamedTuple):
    """How a command ended."""

    status: int
    out: bytes
    err: bytes


def execute(
    link: Link,
    words: List[str],
    given: Optional[bytes] = None,
    become: Any = None,
    sink: Optional[Callable[[bytes], object]] = None,
) -> Done:
    """Run a command with `given` as its input; `become` is a plugin whose password it asks for.

    The output goes to `sink` as it comes, if there is one. A command that cannot be run ends with
    the status that a shell would give.
    """
    talks = given is not None or become is not None
    container, ident = link.ask(lambda client: _create(client, link, words, talks))
    kept: Dict[int, List[bytes]] = {OUT: [], ERR: []}
    take = {OUT: sink or kept[OUT].append, ERR: kept[ERR].append}

    def talk(client: Client) -> int:
        frames = Frames(False, None if sink else OUTPUT)
        path = f"/exec/{ident}/start"
        with Raw(client, "POST", path, None, b'{"Detach": false}', "application/json") as raw:
            if become is not None:
                for stream, data in _let_in(raw, frames, become):
                    take[stream](data)
            for piece in raw.talk(b"" if given is None and talks else given, None):
                for stream, data in frames.feed(piece):
                    take[stream](data)
                frames.drop()
        return exit_code(client, ident, container, None)

    try:
        status = link.ask(talk)
    except FleetError as error:
        cause = error.__cause__
        if isinstance(cause, EngineError) and cause.status == 400:  # there is no such program
            return Done(NOT_RUN[1], b"", to_bytes(error.message))
        raise
    return Done(status, b"".join(kept[OUT]), b"".join(kept[ERR]))


def _create(client: Client, link: Link, words: List[str], talks: bool) -> Tuple[str, str]:
    """Return the ids of the container and of the command."""
    container = link.container_id(client)
    environment = link.option("container_environment") or {}
    body = {
        "AttachStdin": talks,
        "AttachStdout": True,
        "AttachStderr": True,
        "Cmd": words,
        "Env": [f"{name}={value}" for name, value in environment.items()],
        "User": str(link.option("remote_user") or ""),
        "WorkingDir": link.option("working_dir") or "",
        "Privileged": bool(link.option("privileged")),
    }
    return container, str(client.post(f"/containers/{container}/exec", None, body)["Id"])


def _let_in(raw: Raw, frames: Frames, become: Any) -> List[Any]:
    """Give the password when it is asked for; return what came after the command began."""
    deadline = time.monotonic() + ASKING
    seen = {OUT: b"", ERR: b""}
    told = False
    while not become.check_success(seen[OUT]):
        piece = raw.hear(deadline)
        for stream, data in frames.feed(piece):
            seen[stream] += data
        both = seen[OUT] + b"\n" + seen[ERR]
        if become.check_incorrect_password(both):
            raise FleetError(f"the {become.name} password was refused in the container")
        if not piece:
            return list(seen.items())  # it ended, and has said why
        if not told and become.check_password_prompt(both):
            raw.say(to_bytes(become.get_option("become_pass")) + b"\n")
            told = True
    frames.drop()
    return [(OUT, become.strip_become_success(seen[OUT]))]
