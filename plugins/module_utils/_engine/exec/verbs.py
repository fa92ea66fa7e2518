# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running a command in a container: POST /containers/ID/exec, /exec/ID/start, GET /exec/ID/json."""

from __future__ import annotations

import socket
import time
from typing import Any, Dict, Optional

from ..._desired.errors import FleetError
from ..._desired.resource import Work
from ..._desired.steps import Step
from ..._desired.values import show_duration
from ..client.engine import Client
from ..client.errors import EngineError
from ..client.raw_stream import Frames, Raw, exit_code
from ..container.target import last_words, output
from .desired import Wish


def run(work: Work, step: Step) -> bool:
    """Run the command and report rc, stdout and stderr; FleetError with them if rc is not 0."""
    wish: Wish = work.desired
    ident = _create(work.client, work.snapshot.box.id, wish)
    if wish.detach:
        work.client.post(f"/exec/{ident}/start", None, {"Detach": True, "Tty": wish.tty})
        work.shared["report"] = {"cmd": _words(wish), "exec_id": ident}
        return True
    deadline = None if wish.limit is None else time.monotonic() + wish.limit
    frames = Frames(wish.tty)
    try:
        _talk(work.client, ident, wish, frames, deadline)
        code = exit_code(work.client, ident, work.snapshot.box.id, deadline)
    except socket.timeout:
        raise _too_long(wish, frames) from None
    said = _said(wish, frames, code)
    if code:
        words = last_words(said["stderr"], said["stdout"])
        raise FleetError(
            f"the command exited with code {code}",
            address=step.address,
            hint=f"its last words: {words}" if words else "it wrote nothing",
            details={**said, "changed": True},
        )
    work.shared["report"] = said
    return True


def _create(client: Client, box: str, wish: Wish) -> str:
    body: Dict[str, Any] = {
        "AttachStdin": wish.stdin is not None,
        "AttachStdout": not wish.detach,
        "AttachStderr": not wish.detach,
        "Tty": wish.tty,
        "Cmd": list(wish.command),
        "Env": [f"{key}={value}" for key, value in wish.environment.items()],
        "User": wish.user,
        "WorkingDir": wish.working_dir,
        "Privileged": wish.privileged,
    }
    try:
        return str(client.post(f"/containers/{box}/exec", None, body)["Id"])
    except EngineError as error:
        error.address = wish.address
        raise


def _talk(
    client: Client, ident: str, wish: Wish, frames: Frames, deadline: Optional[float]
) -> None:
    text = None if wish.stdin is None else wish.stdin.encode("utf-8", "surrogateescape")
    body = b'{"Detach": false, "Tty": true}' if wish.tty else b'{"Detach": false}'
    path = f"/exec/{ident}/start"
    with Raw(client, "POST", path, None, body, "application/json") as raw:
        for piece in raw.talk(text, deadline):
            frames.feed(piece)


def _words(wish: Wish) -> Any:
    return [wish.masked(word) for word in wish.command]


def _said(wish: Wish, frames: Frames, code: Optional[int]) -> Dict[str, Any]:
    texts = {number: wish.masked(text) for number, text in frames.texts().items()}
    return {"cmd": _words(wish), "rc": code, **output(texts, wish.strip)}


def _too_long(wish: Wish, frames: Frames) -> FleetError:
    patience = show_duration(round((wish.limit or 0) * 1e9))
    return FleetError(
        f"the command did not end within {patience}",
        address=wish.address,
        hint="it goes on in the container, since an engine cannot end it; raise wait_timeout",
        details={**_said(wish, frames, None), "changed": True},
    )
