# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A command in a container as a task declares it."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import Any, Dict, Iterable, Mapping, Optional, Tuple

from ..._desired.errors import Faults, InvalidOption
from ..._desired.secrets import hide
from ..._desired.values import parse_duration
from ..client.names import container_name
from ..client.options import LIMITS
from ..container.fields.common import parse_words
from ..container.target import check_path
from ..values.mappings import parse_filled

_SHOWN = 120  # characters of a command in a plan


@dataclass(frozen=True)
class Desired:
    """A command as declared; `limit` is in seconds, None for ever, `hidden` are secret values."""

    container: str
    command: Tuple[str, ...]
    environment: Mapping[str, str]
    hidden: Tuple[str, ...]
    user: str
    working_dir: str
    stdin: Optional[str]
    tty: bool
    privileged: bool
    detach: bool
    creates: str
    removes: str
    limit: Optional[float]
    strip: bool
    allow: Tuple[str, ...] = LIMITS
    protect: bool = False

    @property
    def address(self) -> str:
        """The command's name in plans."""
        return f"exec/{self.container}"

    def words(self) -> str:
        """Return the command in one short line, without secrets."""
        return words(self.command, self.hidden)

    def masked(self, text: str) -> str:
        """Return a text with every secret value in it masked."""
        return hide(text, self.hidden)


def words(command: Iterable[str], secrets: Iterable[str]) -> str:
    """Return a command in one short line, without secrets."""
    # Masked before it is quoted: a quote would take a secret apart.
    text = " ".join(shlex.quote(hide(word, secrets)) for word in command)
    line = " ".join(text.splitlines())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1] + "…"


def spec() -> Dict[str, Any]:
    """Return the argument spec of a command without the connection's options."""
    text, flag = {"type": "str"}, {"type": "bool", "default": False}
    return {
        "container": {**text, "required": True},
        "command": {"type": "raw", "required": True, "aliases": ["argv"]},
        "environment": {"type": "raw", "aliases": ["env"]},
        "secret_environment": {"type": "dict", "no_log": True, "aliases": ["secret_env"]},
        "user": text,
        "working_dir": {**text, "aliases": ["chdir"]},
        "stdin": text,
        "stdin_add_newline": {"type": "bool", "default": True},
        "tty": flag,
        "privileged": flag,
        "detach": flag,
        "creates": text,
        "removes": text,
        "wait_timeout": text,
        "strip_empty_ends": {"type": "bool", "default": True},
    }


def desired_of(params: Mapping[str, Any]) -> Desired:
    """Return the declared command; raise InvalidOption for what cannot be right."""
    faults = Faults()
    with faults:
        command = parse_words(params["command"], "command")
        if not command or not command[0]:
            hint = "write a string or a list of words"
            raise InvalidOption("is empty", option="command", hint=hint)
    variables: Dict[str, Dict[str, str]] = {}
    for option in ("environment", "secret_environment"):
        with faults:
            variables[option] = parse_filled(params.get(option) or {}, option)
    paths: Dict[str, str] = {}
    for option in ("working_dir", "creates", "removes"):
        with faults:
            paths[option] = _path(params, option)
    with faults:
        nanoseconds = parse_duration(params.get("wait_timeout"), "wait_timeout")
    faults.tell()
    plain, secret = variables["environment"], variables["secret_environment"]
    _check_given_once(plain, secret)
    _check_conflicts(params)
    stdin = params.get("stdin")
    if stdin is not None and params["stdin_add_newline"]:
        stdin += "\n"
    return Desired(
        container=container_name(params["container"], "container"),
        command=command,
        environment={**plain, **secret},
        hidden=tuple(value for value in secret.values() if value),
        user=params.get("user") or "",
        stdin=stdin,
        tty=params["tty"],
        privileged=params["privileged"],
        detach=params["detach"],
        creates=paths["creates"],
        removes=paths["removes"],
        working_dir=paths["working_dir"],
        limit=None if nanoseconds is None else nanoseconds * 1e-9,
        strip=params["strip_empty_ends"],
    )


def _check_given_once(plain: Mapping[str, str], secret: Mapping[str, str]) -> None:
    both = sorted({*plain} & {*secret})
    if both:
        raise InvalidOption(
            "is in secret_environment too", option=f"environment.{both[0]}", hint="give it once"
        )


def _path(params: Mapping[str, Any], option: str) -> str:
    value = params.get(option)
    if not value:
        return ""
    if option != "working_dir" and re.search(r"[*?]|\[.+\]", value):
        # Nothing short of running a command there lists a folder of a container.
        hint = "name one file that the command leaves, or test for it in the command itself"
        raise InvalidOption(
            f"'{value}' is a pattern, which is not expanded", option=option, hint=hint
        )
    return check_path(value, option)


def _check_conflicts(params: Mapping[str, Any]) -> None:
    given = {name for name in ("stdin", "wait_timeout") if params.get(name) is not None}
    if params["detach"] and given:
        name = sorted(given)[0]
        hint = "leave one of the two out"
        raise InvalidOption("cannot be combined with detach: true", option=name, hint=hint)
    if params["tty"] and "stdin" in given:
        hint = "a terminal cannot signal the end of its input; leave tty out"
        raise InvalidOption("cannot be combined with tty: true", option="stdin", hint=hint)
