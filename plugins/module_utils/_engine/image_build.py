# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Building an image through the classic builder (`POST /build`, Engine API 1.40 and up)."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping

from .._desired.errors import FleetError
from .._desired.resource import Work
from .._desired.steps import Step
from .._desired.values import MASK
from . import image_record
from .client import ConnectionLost, EngineError
from .image_pull import cannot, image_id
from .image_wish import Build, Wish

# A step may compile for long without a word; seconds of silence that mean failure.
_SILENCE = 3600
_LOG_LINES = 20
_PIECE = 1 << 18


class NeedsContext(FleetError):
    """The context is on the controller, and a build is needed: nothing was written yet."""

    def __init__(self, address: str) -> None:
        super().__init__(
            "the build context is not on this machine",
            address=address,
            hint="the action plugin sends it when the module asks for it",
            details={"needs_context": True},
        )


def need_context(wish: Wish) -> None:
    """Raise NeedsContext unless the context can be sent from here."""
    if wish.build is not None and not ("tar" in wish.build.context or _archive(wish.build)):
        raise NeedsContext(wish.address)


def build(work: Work, step: Step) -> bool:
    """Build the image and prove by its label that it is there.

    A failed build leaves the old tag where it was: the builder tags at success only. Raise
    FleetError with the last lines of the output under `log`.
    """
    wish: Wish = work.desired
    if wish.build is None:
        raise ValueError("a step build without a build")
    need_context(wish)
    label = image_record.make(wish.name, wish.build, _base_ids(work.client, wish.build))
    tail: List[str] = []
    query = _query(wish.name, wish.build, label)
    headers = {"Content-Type": "application/x-tar"}
    try:
        for part in work.client.stream(
            "POST", "/build", query, _body(wish.build), headers, _SILENCE
        ):
            _collect(tail, part)
    except EngineError as error:
        # A broken connection tells nothing of the outcome: the label does.
        if not isinstance(error, ConnectionLost) or not _is_there(work.client, wish.name, label):
            raise _failed(error, wish, tail) from error
    if not _is_there(work.client, wish.name, label):
        raise FleetError(
            "the engine reported success, but the image does not carry the label of this build",
            address=wish.address,
            hint="somebody else may have tagged another image; run again",
            details={"log": _masked(tail, wish.build)},
        )
    return True


def _query(name: str, build: Build, label: str) -> Dict[str, Any]:
    return {
        "t": name,
        "dockerfile": build.dockerfile,
        "buildargs": dict(build.args) or None,
        "labels": {**build.labels, image_record.LABEL: label},
        "target": build.target or None,
        "networkmode": build.network or None,
        "nocache": build.no_cache or None,
        "rm": True,
        "forcerm": True,
        # The classic builder; 2 is BuildKit, which wants a gRPC session.
        "version": "1",
    }


def _archive(build: Build) -> str:
    return str(build.context.get("archive") or "")


def _body(build: Build) -> Iterator[bytes]:
    if "tar" in build.context:
        yield from build.context["tar"]()
        return
    try:
        with open(_archive(build), "rb") as file:
            yield from iter(lambda: file.read(_PIECE), b"")
    except OSError as exc:
        raise FleetError(f"cannot read the sent build context: {exc.strerror}") from exc


def _base_ids(client: Any, build: Build) -> Dict[str, str]:
    ids = {base: image_id(client, base) for base in build.bases}
    return {base: ident for base, ident in ids.items() if ident}


def _is_there(client: Any, name: str, label: str) -> bool:
    try:
        return image_record.label_of(client.get(f"/images/{name}/json")) == label
    except EngineError as error:
        if error.status == 404:
            return False
        raise


def _collect(tail: List[str], part: Mapping[str, Any]) -> None:
    """Append a part of the builder's output; lines may come in pieces."""
    text = str(part.get("stream") or "")
    if not text:
        return
    whole = (tail.pop() if tail else "") + text
    tail += whole.split("\n")
    del tail[: -_LOG_LINES - 1]


def _masked(tail: List[str], build: Build) -> List[str]:
    lines = [line.rstrip() for line in tail if line.strip()][-_LOG_LINES:]
    return [_mask(line, build) for line in lines]


def _mask(text: str, build: Build) -> str:
    # Short values are words such as 1 or true, which would blank half the output.
    for value in sorted(build.args.values(), key=len, reverse=True):
        if len(value) > 3:
            text = text.replace(value, MASK)
    return text


def _failed(error: EngineError, wish: Wish, tail: List[str]) -> FleetError:
    if wish.build is None:
        return error
    made = cannot(error, "the build failed", wish.address)
    made.message = _mask(made.message, wish.build)
    made.details["log"] = _masked(tail, wish.build)
    made.hint = made.hint or "the last lines of its output are under log; the old image stays"
    return made
