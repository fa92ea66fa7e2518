# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tasks about the inside of a container share: which container, and words for its output."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any, Dict, Iterator, Mapping, Optional, Tuple

from ..._desired.errors import InvalidOption
from ..._desired.planned import Pending, address_now, will_be, will_go
from ..._desired.values import dig
from ..client.engine import Client
from ..client.errors import EngineError
from ..client.names import meant

# What every wish of these resources may do; they have no option to bound it.
_SHOWN_LINES = 5


@dataclass(frozen=True)
class Target:
    """The container of a task; `unknown` says what an earlier task of the run does to it."""

    name: str
    id: str = ""
    running: bool = False
    paused: bool = False
    inspect: Optional[Mapping[str, Any]] = None
    unknown: str = ""

    def public(self) -> Dict[str, Any]:
        """Return what the task's result says of it."""
        return {"name": self.name, "id": self.id, "running": self.running}


def look_at(client: Optional[Client], name: str, pending: Pending) -> Target:
    """Look at the container; InvalidOption if it is not there and no earlier task brings it."""
    unknown = will_be(pending, f"container/{name}")
    if client is None:
        return Target(name, unknown=unknown or pending["engine"].text)
    seen = find_then(client, name, pending)
    if seen is None:
        if unknown:
            return Target(name, unknown=unknown)
        raise InvalidOption(
            f"there is no container {name}", option="container", hint="create it first"
        )
    return Target(
        name=str(seen["Name"]).lstrip("/"),
        id=str(seen["Id"]),
        running=bool(dig(seen, "State.Running")),
        paused=bool(dig(seen, "State.Paused")),
        inspect=seen,
        unknown=unknown,
    )


@contextlib.contextmanager
def about(name: str) -> Iterator[None]:
    """Let errors of the engine say which container they are about."""
    try:
        yield
    except EngineError as error:
        error.address = error.address or f"container/{name}"
        raise


def find(client: Client, name: str) -> Optional[Mapping[str, Any]]:
    """Return the container that has a name or a whole id, None if there is none."""
    return meant("container", name, client.get_all([(f"/containers/{name}/json", None)])[0])


def find_then(client: Client, name: str, pending: Pending) -> Optional[Mapping[str, Any]]:
    """Return the container that will have a name once earlier tasks of a check are done, under
    that name; None if none will, or none that is there yet."""
    if will_go(pending, f"container/{name}"):
        return None
    now = address_now(pending, f"container/{name}").partition("/")[2]
    seen = find(client, now)
    return seen if seen is None or now == name else {**seen, "Name": f"/{name}"}


def output(texts: Mapping[int, str], strip: bool = False) -> Dict[str, Any]:
    """Return stdout and stderr as texts and lists of lines, as Ansible's own modules do."""
    result: Dict[str, Any] = {}
    for number, name in ((1, "stdout"), (2, "stderr")):
        text = texts[number].rstrip("\r\n") if strip else texts[number]
        result[name] = text
        result[f"{name}_lines"] = text.splitlines()
    return result


def last_words(*texts: str) -> str:
    """Return the last lines of the first of some outputs that has any, in one line."""
    for text in texts:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if lines:
            return " | ".join(lines[-_SHOWN_LINES:])
    return ""


def check_path(path: str, where: str) -> str:
    """Return a path inside a container without needless slashes and dots.

    Raise InvalidOption unless it is absolute.
    """
    if not path.startswith("/"):
        raise InvalidOption(
            f"'{path}' is not an absolute path in the container",
            option=where,
            hint="write the whole path, such as /etc/app.conf",
        )
    parts: Tuple[str, ...] = ()
    for part in path.split("/"):
        if part == "..":
            raise InvalidOption(
                f"'{path}' contains ..", option=where, hint="write the path without it"
            )
        if part not in ("", "."):
            parts = (*parts, part)
    return "/" + "/".join(parts)
