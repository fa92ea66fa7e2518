# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a pull, a push or a build is, in numbers and a few known words: what engines and builders
say may be secret."""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Set, Tuple

from ..._desired.values import MASK, dig

# The classic builder, and BuildKit with the name of a stage or without.
_STEP = re.compile(r"(?:Step |#\d+ \[(?:[^\]]* )?)(\d{1,4})/(\d{1,4})(?: : ?|\] ?)")
# What may stand in a Dockerfile (Dockerfile reference); options and their values are passed over.
_INSTRUCTION = re.compile(
    r"(ADD|ARG|CMD|COPY|ENTRYPOINT|ENV|EXPOSE|FROM|HEALTHCHECK|LABEL|MAINTAINER|ONBUILD|RUN|SHELL"
    r"|STOPSIGNAL|USER|VOLUME|WORKDIR)(?: --\S+)*(?: |$)"
)
# The name of a program, which is not an assignment, a quoted text or a variable.
_PROGRAM = re.compile(r"[A-Za-z][\w./+-]{0,29}(?= |$)")
_LINE = 1000  # characters of a builder's line in which its step is looked for
_MOST = 1000  # layers that are counted
_NAME = 64  # characters of a name of a layer
_LARGEST = 1 << 50  # bytes of a layer

# What engines call a layer that moves, and those that are done with, by what is being done.
_MOVING = {"pulling": "Downloading", "pushing": "Pushing"}
_DONE = ("Pull complete", "Already exists", "Pushed", "Layer already exists")
_WAITING = ("Pulling fs layer", "Waiting", "Preparing")


class Layers:
    """The layers of a pull, or of a push, as the engine reports them."""

    def __init__(self, word: str = "pulling") -> None:
        self._word = word
        self._moving = _MOVING[word]
        self._layers: Dict[str, Tuple[int, int]] = {}
        self._known: Set[str] = set()
        self._done: Set[str] = set()

    def words(self, part: Mapping[str, Any]) -> str:
        """Take a part of the engine's answer; return how much has come of what is known."""
        name, status = str(part.get("id"))[:_NAME], part.get("status")
        have, whole = (dig(part, f"progressDetail.{key}") for key in ("current", "total"))
        if status == self._moving and _is_size(have) and _is_size(whole):
            if name in self._layers or len(self._layers) < _MOST:
                self._layers[name] = (min(have, whole), whole)
        elif name in self._layers:
            whole = self._layers[name][1]
            self._layers[name] = (whole, whole)
        self._count(name, status)
        return ", ".join([self._word, *self._numbers()])

    def _count(self, name: str, status: Any) -> None:
        if status in (self._moving, *_DONE, *_WAITING) and len(self._known) < _MOST:
            self._known.add(name)
        if status in _DONE and name in self._known:
            self._done.add(name)

    def _numbers(self) -> Iterator[str]:
        if self._done:
            yield f"{len(self._done)} of {len(self._known)} layers"
        known = sum(whole for _done, whole in self._layers.values()) >> 20
        if known:
            yield f"{sum(entry for entry, _whole in self._layers.values()) >> 20} of {known} MiB"


def _is_size(value: Any) -> bool:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return whole and 0 <= value < _LARGEST


class Tail(List[str]):
    """The last lines of a builder's output, each of which may say which step it begins."""

    def __init__(self, tell: Callable[..., None], private: Iterable[str] = ()) -> None:
        super().__init__()
        self._tell = tell
        self._private = tuple(private)
        tell("building")

    def append(self, line: str) -> None:
        """Keep a line."""
        super().append(line)
        match = _STEP.match(line, 0, _LINE)
        if match:
            instruction = self._instruction(line[match.end() : _LINE])
            self._tell(f"building, step {match[1]}/{match[2]}{instruction}")

    def _instruction(self, text: str) -> str:
        """Return which instruction a step is, and of RUN the program: what follows may be secret,
        and so may a program's name that is a value of the task."""
        match = _INSTRUCTION.match(text)
        if not match:
            return ""
        program = _PROGRAM.match(text, match.end()) if match[1] == "RUN" else None
        if program is None:
            return f" {match[1]}"
        secret = any(value in program[0] for value in self._private)
        return f" {match[1]} {MASK if secret else program[0]} …"
