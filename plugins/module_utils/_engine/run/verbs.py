# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running a job: attached before its start, so that nothing it says is lost, until it ends."""

from __future__ import annotations

import contextlib
import socket
import time
from typing import Any, Dict, Mapping, Optional

from ..._desired.errors import FleetError
from ..._desired.secrets import hide
from ..._desired.steps import Step
from ..._desired.values import dig, show_duration
from ..._desired.work import Verb, Work
from ..client.errors import EngineError
from ..client.events import until_ended
from ..client.raw_stream import Frames, Raw
from ..container.diagnose import explain_start, hidden_values, how_it_ended, vanished
from ..container.target import last_words, output
from ..container.verbs import VERBS as CONTAINER_VERBS
from ..container.verbs import create
from .desired import Job


class Attached:
    """A job's output as it comes, and its input; closed at the end of the run.

    `following` reads from its beginning what a job that goes on has said, and gives no input.
    """

    def __init__(self, work: Work, ref: str, tty: bool, following: bool = False) -> None:
        job: Job = work.desired
        self._text: Optional[bytes] = None
        self._limit = job.limit
        self.begin()
        self.frames = Frames(tty)
        query: Dict[str, Any] = {"stdout": True, "stderr": True}
        if following:
            path = f"/containers/{ref}/logs"
            self._raw = Raw(work.client, "GET", path, {**query, "follow": True})
        else:
            if job.stdin is not None:
                self._text = job.stdin.encode("utf-8", "surrogateescape")
                query["stdin"] = True
            path = f"/containers/{ref}/attach"
            self._raw = Raw(work.client, "POST", path, {**query, "stream": True})
        self._raw.__enter__()

    def begin(self) -> None:
        """Let the limit count from now."""
        self.deadline = None if self._limit is None else time.monotonic() + self._limit

    def read(self) -> None:
        """Read until the output ends; socket.timeout when the deadline has passed."""
        text, self._text = self._text, None
        for piece in self._raw.talk(text, self.deadline):
            self.frames.feed(piece)

    def read_rest(self, patience: float) -> None:
        """Read what is left of the output of a job that was ended, for some seconds at most."""
        self.deadline = time.monotonic() + patience
        with contextlib.suppress(socket.timeout):
            self.read()

    def close(self) -> None:
        """End the connection; the job goes on."""
        self._raw.__exit__()


def _create(work: Work, step: Step) -> None:
    job: Job = work.desired
    settings: Dict[str, Any] = {"AttachStdout": True, "AttachStderr": True}
    if job.stdin is not None:
        settings.update(AttachStdin=True, OpenStdin=True, StdinOnce=True)
    create(work, step, settings, {"job": True})


def _start(work: Work, step: Step) -> None:
    job: Job = work.desired
    name = step.args["on"]
    try:
        # Podman initialises the container on attach, before the start.
        work.shared["attached"] = Attached(work, name, bool(job.declared.get("tty")))
        work.client.post(f"/containers/{name}/start")
    except EngineError as error:
        raise explain_start(work.client, name, job, error) from None
    work.shared["attached"].begin()


def _wait(work: Work, step: Step) -> None:
    """Report rc, stdout and stderr of a job that ends; FleetError with them if rc is not 0."""
    job: Job = work.desired
    ref = step.args.get("id") or step.args["on"]
    work.tell("running", job.limit or 0)
    attached: Optional[Attached] = work.shared.get("attached")
    if attached is None:  # an earlier run began it
        tty = bool(dig(work.snapshot.current, "Config.Tty"))
        attached = work.shared["attached"] = Attached(work, ref, tty, following=True)
    try:
        attached.read()
        ended = _ended(work, ref, attached.deadline)
    except socket.timeout:
        raise _too_long(work, ref, attached) from None
    answer = _result_of(job, attached, ended)
    if answer["rc"]:
        words = last_words(answer["stderr"], answer["stdout"])
        hint = f"its last words: {words}" if words else "it wrote nothing"
        details = {**answer, "changed": True, "oom_killed": bool(dig(ended, "State.OOMKilled"))}
        text = f"the job {how_it_ended(ended)}"
        raise FleetError(text, address=job.address, hint=hint, details=details)
    work.shared["report"] = answer


def _ended(work: Work, ref: str, deadline: Optional[float]) -> Mapping[str, Any]:
    """Return the container once it has ended; its output may end before."""

    def look() -> Optional[Mapping[str, Any]]:
        try:
            seen: Mapping[str, Any] = work.client.get(f"/containers/{ref}/json")
        except EngineError as error:
            raise vanished(work.desired) if error.status == 404 else error from None
        return None if dig(seen, "State.Running") else seen

    return until_ended(work.client, look, {"container": [ref], "event": ["die"]}, deadline)


def _result_of(job: Job, attached: Attached, ended: Optional[Mapping[str, Any]]) -> Dict[str, Any]:
    secrets = hidden_values(job, ended)
    texts = {number: hide(text, secrets) for number, text in attached.frames.texts().items()}
    return {"rc": dig(ended, "State.ExitCode"), **output(texts, job.strip)}


def _too_long(work: Work, ref: str, attached: Attached) -> FleetError:
    """End a job whose time is over, and say so with what it said until then."""
    job: Job = work.desired
    patience = show_duration(round((job.limit or 0) * 1e9))
    CONTAINER_VERBS["stop"](work, Step("", job.address, "stop", (), args={"on": ref}))
    attached.read_rest(work.client.timeout)
    return FleetError(
        f"the job did not end within {patience}",
        address=job.address,
        hint="it was stopped; raise wait_timeout",
        details={**_result_of(job, attached, None), "changed": True},
    )


VERBS: Dict[str, Verb] = {
    **{verb: CONTAINER_VERBS[verb] for verb in ("connect", "remove")},
    "create": _create,
    "start": _start,
    "wait": _wait,
}
