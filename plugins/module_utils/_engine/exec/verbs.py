# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running a command in a container: POST /containers/ID/exec, /exec/ID/start, GET /exec/ID/json."""

from __future__ import annotations

import socket
import time
from typing import Any, Dict, Optional

from ..._desired.errors import FleetError
from ..._desired.steps import Step
from ..._desired.values import show_duration
from ..._desired.work import Work
from ..client.engine import Client
from ..client.errors import EngineError
from ..client.raw_stream import Frames, Raw, exit_code
from ..container.target import last_words, output
from .desired import Desired


def run(work: Work, step: Step) -> bool:
    """Run the command and report rc, stdout and stderr; FleetError with them if rc is not 0."""
    desired: Desired = work.desired
    ident = _create(work.client, work.snapshot.target.id, desired)
    if desired.detach:
        work.client.post(f"/exec/{ident}/start", None, {"Detach": True, "Tty": desired.tty})
        work.shared["report"] = {"cmd": _words(desired), "exec_id": ident}
        return True
    deadline = None if desired.limit is None else time.monotonic() + desired.limit
    frames = Frames(desired.tty)
    try:
        _talk(work.client, ident, desired, frames, deadline)
        code = exit_code(work.client, ident, work.snapshot.target.id, deadline)
    except socket.timeout:
        raise _too_long(desired, frames) from None
    text = _result_of(desired, frames, code)
    if code:
        words = last_words(text["stderr"], text["stdout"])
        raise FleetError(
            f"the command exited with code {code}",
            address=step.address,
            hint=f"its last words: {words}" if words else "it wrote nothing",
            details={**text, "changed": True},
        )
    work.shared["report"] = text
    return True


def _create(client: Client, container: str, desired: Desired) -> str:
    body: Dict[str, Any] = {
        "AttachStdin": desired.stdin is not None,
        "AttachStdout": not desired.detach,
        "AttachStderr": not desired.detach,
        "Tty": desired.tty,
        "Cmd": list(desired.command),
        "Env": [f"{key}={value}" for key, value in desired.environment.items()],
        "User": desired.user,
        "WorkingDir": desired.working_dir,
        "Privileged": desired.privileged,
    }
    try:
        return str(client.post(f"/containers/{container}/exec", None, body)["Id"])
    except EngineError as error:
        error.address = desired.address
        raise


def _talk(
    client: Client, ident: str, desired: Desired, frames: Frames, deadline: Optional[float]
) -> None:
    text = None if desired.stdin is None else desired.stdin.encode("utf-8", "surrogateescape")
    body = b'{"Detach": false, "Tty": true}' if desired.tty else b'{"Detach": false}'
    path = f"/exec/{ident}/start"
    with Raw(client, "POST", path, None, body, "application/json") as raw:
        for piece in raw.talk(text, deadline):
            frames.feed(piece)


def _words(desired: Desired) -> Any:
    return [desired.masked(word) for word in desired.command]


def _result_of(desired: Desired, frames: Frames, code: Optional[int]) -> Dict[str, Any]:
    texts = {number: desired.masked(text) for number, text in frames.texts().items()}
    return {"cmd": _words(desired), "rc": code, **output(texts, desired.strip)}


def _too_long(desired: Desired, frames: Frames) -> FleetError:
    patience = show_duration(round((desired.limit or 0) * 1e9))
    return FleetError(
        f"the command did not end within {patience}",
        address=desired.address,
        hint="it goes on in the container, since an engine cannot end it; raise wait_timeout",
        details={**_result_of(desired, frames, None), "changed": True},
    )
