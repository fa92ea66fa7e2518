# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A job as a task declares it: a container that runs to its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional

from ..._desired.errors import Faults, InvalidOption
from ..._desired.option_defaults import defaults_of
from ..._desired.values import parse_duration
from ..container.desired import BEHAVIOUR, Desired
from ..container.desired import desired_of as container_desired
from ..container.desired import spec as container_spec
from ..exec.desired import words

# Keys of a service that contradict a job: the engine must neither start it again, nor remove it
# before its exit code was read.
_AGAINST = {
    "restart": "a job runs once; leave it out",
    "auto_remove": "cleanup: true removes it once its exit code is known; leave this out",
}


@dataclass(frozen=True, repr=False, eq=False)
class Job(Desired):
    """A job as declared: its container, and more; `limit` is in seconds, None for ever."""

    stdin: Optional[str]
    limit: Optional[float]
    cleanup: bool
    strip: bool

    def words(self) -> str:
        """Return what runs in one short line, without secrets."""
        declared = self.declared
        parts = (*(declared.get("entrypoint") or ()), *(declared.get("command") or ()))
        secrets = tuple((declared.get("secret_environment") or {}).values())
        return f"run: {words(parts, secrets) or self.reference}"


def spec() -> Dict[str, Any]:
    """Return the argument spec of a job without the connection's options."""
    result = container_spec()
    for name in {*BEHAVIOUR} - {"name", "pull_policy"}:
        del result[name]
    result["image"] = {**result["image"], "required": True}
    return {
        **result,
        "stdin": {"type": "str"},
        "stdin_add_newline": {"type": "bool", "default": True},
        "wait_timeout": {"type": "str"},
        "cleanup": {"type": "bool", "default": True},
        "strip_empty_ends": {"type": "bool", "default": True},
    }


def job(params: Mapping[str, Any]) -> Job:
    """Return the declared job; raise InvalidOption for what cannot be right."""
    defaults = defaults_of(container_spec())
    given = {name: value for name, value in params.items() if value is not None}
    faults = Faults()
    with faults:
        nanoseconds = parse_duration(params.get("wait_timeout"), "wait_timeout")
    with faults:
        desired = container_desired({**defaults, **given, "wait_timeout": None, "wait": "none"})
    faults.tell()
    _check(desired, params)
    stdin = params.get("stdin")
    if stdin is not None and params["stdin_add_newline"]:
        stdin += "\n"
    return Job(
        **vars(desired),
        stdin=stdin,
        limit=None if nanoseconds is None else nanoseconds * 1e-9,
        cleanup=params["cleanup"],
        strip=params["strip_empty_ends"],
    )


def _check(desired: Desired, params: Mapping[str, Any]) -> None:
    """Raise InvalidOption for what contradicts a job."""
    for option, hint in _AGAINST.items():
        if desired.declared.get(option) not in (None, False, ("no", 0)):
            raise InvalidOption("cannot be combined with a job", option=option, hint=hint)
    if params.get("stdin") is not None and desired.declared.get("tty"):
        hint = "a terminal cannot signal the end of its input; leave tty out"
        raise InvalidOption("cannot be combined with tty: true", option="stdin", hint=hint)
