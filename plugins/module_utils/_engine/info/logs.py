# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container has written, and waiting for a line of it. Reads only."""

from __future__ import annotations

import re
import socket
import time
from typing import Any, Dict, List, Mapping, Optional, Pattern

from ..._desired.errors import EngineMissing, FleetError, InvalidOption
from ..._desired.values import dig, parse_duration, show_duration
from ..client.engine import Client
from ..client.errors import EngineError
from ..client.names import container_name
from ..client.raw_stream import Frames, Raw
from ..container.target import Target, about, last_words, look_at, output
from ..values.timestamps import parse_time

_LINE = 1 << 20  # bytes of a line that has no end yet
_STREAMS = ["stdout", "stderr"]
_TEXT = {"type": "str"}


class Logs:
    """The output of one container."""

    server = "engine"

    def spec(self) -> Dict[str, Any]:
        """Return the argument spec, without the options of the connection."""
        streams = {"type": "list", "elements": "str", "choices": _STREAMS, "default": _STREAMS}
        return {
            "container": {**_TEXT, "required": True},
            "tail": {**_TEXT, "default": "all"},
            "since": _TEXT,
            "until": _TEXT,
            "timestamps": {"type": "bool", "default": False},
            "streams": streams,
            "wait_for": _TEXT,
            "wait_timeout": {**_TEXT, "default": "1m"},
            "strip_empty_ends": {"type": "bool", "default": True},
        }

    def read(self, client: Client, params: Mapping[str, Any]) -> Dict[str, Any]:
        """Return the output, in the end with the line that was waited for."""
        query, pattern = _query(params), _pattern(params)
        limit = parse_duration(params["wait_timeout"], "wait_timeout") or 0
        name = container_name(params["container"], "container")
        # Entries of earlier tasks exist in check mode only.
        container = look_at(client, name, params["pending"])
        if not container.id or (container.unknown and pattern):
            return _result_of(container, Frames(False), params, None)
        with about(container.name):
            frames = Frames(bool(dig(container.inspect, "Config.Tty")))
            path = f"/containers/{container.id}/logs"
            if pattern is None:
                with Raw(client, "GET", path, query) as raw:
                    for piece in raw.pieces():
                        frames.feed(piece)
                return _result_of(container, frames, params, None)
            end = time.monotonic() + limit * 1e-9
            with Raw(client, "GET", path, {**query, "follow": True}) as raw:
                matched_line = _wait(raw, frames, pattern, end)
            if matched_line is None:
                raise _missed(client, container, frames, params, end)
            return _result_of(container, frames, params, matched_line)

    def nothing(self, params: Mapping[str, Any]) -> Dict[str, Any]:
        """Return that nothing was written yet."""
        return _result_of(Target(params["container"]), Frames(False), params, None)


def _result_of(
    container: Target, frames: Frames, params: Mapping[str, Any], matched_line: Optional[str]
) -> Dict[str, Any]:
    """Return the result: of the one stream that is asked for, its last lines."""
    texts = dict(frames.texts())
    streams, tail = params["streams"], params["tail"]
    if matched_line is None and len(streams) == 1 and tail != "all":
        number = _STREAMS.index(streams[0]) + 1
        lines = texts[number].splitlines(keepends=True)
        texts[number] = "".join(lines[-int(tail) :] if int(tail) else ())
    result = {"container": container.public(), **output(texts, params["strip_empty_ends"])}
    return result if matched_line is None else {**result, "matched": matched_line}


def _query(params: Mapping[str, Any]) -> Dict[str, Any]:
    tail = str(params["tail"])
    if tail != "all" and not tail.isdigit():
        raise InvalidOption(f"'{tail}' is no number of lines", option="tail", hint="or write all")
    streams = params["streams"]
    if not streams:
        raise InvalidOption("is empty", option="streams", hint="name stdout, stderr or both")
    if params.get("until") and params.get("wait_for"):
        hint = "what is to come has no end to ask for; leave it out"
        raise InvalidOption("cannot be combined with wait_for", option="until", hint=hint)
    return {
        **{name: name in streams for name in _STREAMS},
        # The engine counts the lines of both streams, then leaves one out (seen on 20.10).
        "tail": tail if len(streams) > 1 else "all",
        "since": _timestamp(params.get("since"), "since"),
        "until": _timestamp(params.get("until"), "until"),
        "timestamps": params["timestamps"],
    }


def _timestamp(value: Optional[str], where: str) -> Optional[str]:
    """Return a moment in seconds since 1970: a date and time (UTC if it names no zone), seconds
    since 1970, or a duration that has passed since.
    """
    if not value:
        return None
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
        return value
    seconds = parse_time(value)
    if seconds is None:
        try:
            passed = parse_duration(value, where) or 0
        except InvalidOption:
            hint = "write a duration such as 10m, or a time such as 2026-03-01T12:00:00Z"
            text = f"'{value}' is neither a duration nor a time"
            raise InvalidOption(text, option=where, hint=hint) from None
        seconds = time.time() - passed * 1e-9
    return f"{seconds:.6f}"


def _pattern(params: Mapping[str, Any]) -> Optional[Pattern[str]]:
    text = params.get("wait_for")
    if not text:
        return None
    try:
        return re.compile(text)
    except re.error as exc:
        hint = "write a regular expression of Python"
        raise InvalidOption(f"'{text}': {exc}", option="wait_for", hint=hint) from None


def _wait(raw: Raw, frames: Frames, pattern: Pattern[str], end: float) -> Optional[str]:
    """Return the first whole line that matches, None when the output or the time is at its end.

    A stream's last piece counts as a line when the container has ended.
    """
    rests: Dict[int, bytes] = {1: b"", 2: b""}
    try:
        for piece in raw.talk(None, end):
            for number, data in frames.feed(piece):
                *lines, rest = (rests[number] + data).split(b"\n")
                rests[number] = rest[-_LINE:]
                matched_line = _first(lines, pattern)
                if matched_line is not None:
                    return matched_line
    except socket.timeout:
        return None
    return _first(list(rests.values()), pattern)


def _first(lines: List[bytes], pattern: Pattern[str]) -> Optional[str]:
    # A terminal ends its lines with a carriage return as well, which is none of the line.
    whole = (line.decode("utf-8", "replace").rstrip("\r") for line in lines)
    return next((line for line in whole if line and pattern.search(line)), None)


def _missed(
    client: Client, container: Target, frames: Frames, params: Mapping[str, Any], end: float
) -> FleetError:
    answer = output(frames.texts(), params["strip_empty_ends"])
    words = last_words(answer["stderr"], answer["stdout"])
    hint = f"its last words: {words}" if words else "it wrote nothing"
    if time.monotonic() >= end:
        limit = show_duration(parse_duration(params["wait_timeout"], "wait_timeout") or 0)
        text = f"no line matched '{params['wait_for']}' within {limit}"
    else:
        text = f"{_how_it_ended(client, container)} before a line matched '{params['wait_for']}'"
    return FleetError(text, address=f"container/{container.name}", hint=hint, details=answer)


def _how_it_ended(client: Client, container: Target) -> str:
    try:
        state = client.get(f"/containers/{container.id}/json").get("State") or {}
    except EngineMissing:
        raise
    except EngineError as error:
        return "the container was removed" if error.status == 404 else "the engine ended its log"
    if state.get("Running"):
        return "the engine ended its log"
    if state.get("Status") == "created":
        return "the container has not run"
    return f"the container exited with code {state.get('ExitCode')}"


LOGS = Logs()
