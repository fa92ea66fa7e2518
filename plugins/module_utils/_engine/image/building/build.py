# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Building an image: by docker buildx where it is, else by the engine's classic builder (`POST
/build`, Engine API 1.40 and up)."""

from __future__ import annotations

import os
import re
from typing import Any, Dict, Iterator, List, Mapping, Optional

from ...._desired.errors import FleetError
from ...._desired.secrets import hide
from ...._desired.steps import Step
from ...._desired.terminal_text import visible
from ...._desired.work import Work
from ...client.errors import ConnectionLost, EngineError
from .. import record
from ..desired import Desired
from ..handover import archive, need_context
from ..progress import Tail
from ..pull import cannot, image_id
from .context import RULES, rules_of, rules_text
from .desired import INLINE, Build

# A step may compile for long without a word; seconds of silence that mean failure.
_SILENCE = 3600
_LOG_LINES = 20
_PIECE = 1 << 18
_BUILDKIT = re.compile(r"#\d+ \d+\.\d+ (.*)")
_OWN_WORDS = re.compile(r"Step \d+/\d+ : | *--->|Removing intermediate|Successfully |Sending build")
_LONGEST = 200  # characters of a line that a message repeats


def build(work: Work, step: Step) -> bool:
    """Build the image and prove by its label that it is there.

    A failed build leaves the old tag where it was: the builder tags at success only. Raise
    FleetError with the last lines of the output under `log`.
    """
    desired: Desired = work.desired
    if desired.build is None:
        raise ValueError("a step build without a build")
    need_context(desired)
    label = record.encode(desired.name, desired.build, _base_ids(work.client, desired.build))
    tail = Tail(work.tell, desired.build.private)
    try:
        if not _by_buildx(work.client, desired, desired.build, label, tail):
            _classic(work.client, desired.name, desired.build, label, tail)
    except EngineError as error:
        # A broken connection tells nothing of the outcome: the label does.
        if not isinstance(error, ConnectionLost) or not _is_there(work.client, desired.name, label):
            raise _failed(error, desired.build, desired.address, tail) from error
    if not _is_there(work.client, desired.name, label):
        raise FleetError(
            "the engine reported success, but the image does not carry the label of this build",
            address=desired.address,
            hint="somebody else may have tagged another image; run again",
            details={"log": _masked(tail, desired.build)},
        )
    return True


def _by_buildx(client: Any, desired: Desired, build: Build, label: str, tail: List[str]) -> bool:
    """Build with docker buildx; False if it is not there, or not what is asked for."""
    from . import buildx
    from .builders import program

    # Podman's API has no BuildKit behind it.
    if client.kind == "podman" or not uses_buildx(build):
        builder = build.get("builder") or "auto"
        if builder == "classic" or build.get("isolation"):
            return False
        if build.needs_buildkit or builder != "auto":
            raise EngineError(f"{client.kind} has no BuildKit", path="/session")
        return False
    buildx.run(program(), client, desired.name, build, label, tail, _SILENCE)
    return True


def uses_buildx(build: Build) -> bool:
    """Tell if docker buildx builds an image of Docker's engine: it is there and not excluded."""
    from .builders import program

    excluded = build.get("builder") == "classic" or build.get("isolation")
    return not excluded and bool(program())


def _classic(client: Any, name: str, build: Build, label: str, tail: List[str]) -> None:
    headers = {"Content-Type": "application/x-tar"}
    query = _query(name, build, label)
    if client.kind == "podman" and query["extrahosts"]:
        query["extrahosts"] = list(query["extrahosts"])  # in one list, not one by one
    for part in client.stream("POST", "/build", query, _body(build), headers, _SILENCE):
        _collect(tail, part)


def _query(name: str, build: Build, label: str) -> Dict[str, Any]:
    values = build.values
    platforms = values.get("platforms") or (None,)
    return {
        "t": name,
        "dockerfile": values["dockerfile"],
        "buildargs": dict(values.get("args") or {}) or None,
        "labels": {**(values.get("labels") or {}), record.LABEL: label},
        "target": values.get("target") or None,
        "networkmode": values.get("network") or None,
        "nocache": values.get("no_cache") or None,
        "shmsize": values.get("shm_size"),
        "extrahosts": values.get("extra_hosts"),
        "ulimits": _ulimits(values.get("ulimits")),
        "isolation": values.get("isolation") or None,
        "cachefrom": list(values.get("cache_from") or ()) or None,
        "platform": platforms[0],
        "rm": True,
        "forcerm": True,
        # The classic builder; 2 is BuildKit, which wants a gRPC session.
        "version": "1",
    }


def _ulimits(limits: Optional[Mapping[str, str]]) -> Optional[List[Dict[str, Any]]]:
    result = []
    for name, both in (limits or {}).items():
        soft, _colon, hard = both.partition(":")
        result.append({"Name": name, "Soft": int(soft), "Hard": int(hard)})
    return result or None


def _body(build: Build) -> Iterator[bytes]:
    if "tar" in build.context:
        yield from build.context["tar"](_extra(build))
        return
    try:
        with open(archive(build), "rb") as file:
            yield from iter(lambda: file.read(_PIECE), b"")
    except OSError as exc:
        raise FleetError(f"cannot read the sent build context: {exc.strerror}") from exc


def _extra(build: Build) -> Dict[str, bytes]:
    root = build.context.get("root")
    return added_files(build.get("dockerfile_inline"), root, build.values["dockerfile"])


def added_files(text: Optional[str], root: Optional[str], dockerfile: str) -> Dict[str, bytes]:
    """Return what is added to a classic context: a Dockerfile given as text, and the rules of a
    Dockerfile's own file, which the classic builder does not look for.

    The engine removes from the context what .dockerignore names, once it has read it: so
    `COPY . /` copies neither the text nor rules that were not there.
    """
    if root is None:
        return {}
    if text is None:
        rules = rules_of(root, dockerfile)
        if rules == RULES:
            return {}
        return {RULES: rules_text(root, rules)}
    ignored = rules_text(root, RULES).rstrip(b"\n")
    more = [INLINE] if os.path.lexists(os.path.join(root, RULES)) else [INLINE, RULES]
    lines = [*filter(None, [ignored]), *(entry.encode() for entry in more), b""]
    return {INLINE: text.encode("utf-8"), RULES: b"\n".join(lines)}


def _base_ids(client: Any, build: Build) -> Dict[str, str]:
    ids = {base: image_id(client, base) for base in build.bases}
    return {base: ident for base, ident in ids.items() if ident}


def _is_there(client: Any, name: str, label: str) -> bool:
    try:
        return record.label_of(client.get(f"/images/{name}/json")) == label
    except EngineError as error:
        if error.status == 404:
            return False
        raise


def _collect(tail: List[str], part: Mapping[str, Any]) -> None:
    """Append a part of the builder's output; lines may come in pieces."""
    text = str(part.get("stream") or "")
    if not text:
        return
    # A line may have no end; of the last one more than this is never told.
    whole = (tail.pop()[-_PIECE:] if tail else "") + text
    for line in whole.split("\n"):
        tail.append(line)
    del tail[: -_LOG_LINES - 1]


def _masked(tail: List[str], build: Build) -> List[str]:
    """Return the last lines of the output without secret values, which may go over several."""
    text = hide("\n".join(line.rstrip() for line in tail if line.strip()), build.private)
    # The classic builder writes what a command says on stderr in red.
    return [visible(line) for line in text.split("\n")[-_LOG_LINES:]] if text else []


def _failed(error: EngineError, build: Build, address: str, tail: List[str]) -> FleetError:
    result = cannot(error, "the build failed", address)
    result.message = hide(result.message, build.private)
    result.details["log"] = _masked(tail, build)
    last = _last_words(result.details["log"], result.message)
    more = "the last lines of its output are under log; the old image stays"
    result.hint = result.hint or (f"its last words: {last}; {more}" if last else more)
    return result


def _last_words(lines: List[str], message: str) -> str:
    """Return the last line that the command which failed has written, "" if there is none.

    BuildKit writes such lines behind a step's number and the time, the classic builder beside its
    own ones.
    """
    numbered = [match[1] for match in map(_BUILDKIT.match, lines) if match]
    if not numbered and not any(line.startswith("#") for line in lines):
        numbered = [line for line in lines if not _OWN_WORDS.match(line)]
    last = next((entry.strip() for entry in reversed(numbered) if entry.strip()), "")
    return "" if message.endswith(last) else last[:_LONGEST]
