# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task wants to have copied, into a container or out of it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Tuple

from ..._desired.errors import Faults, InvalidOption
from ..client.names import container_name
from ..client.options import LIMITS
from ..container.target import check_path
from .source import Local, Packed, Source, Text

_TEXT = {"type": "str"}
_FLAG = {"type": "bool", "default": False}


def spec() -> Dict[str, Any]:
    """Return the argument spec of a copy without the connection's options.

    `_source` is internal: where the action plugin has found `src` or put it.
    """
    return {
        "container": {**_TEXT, "required": True},
        "src": _TEXT,
        "content": _TEXT,
        "secret_content": {**_TEXT, "no_log": True},
        "dest": {**_TEXT, "required": True},
        "fetch": _FLAG,
        "follow": _FLAG,
        "force": {"type": "bool", "default": True},
        "mode": {"type": "raw"},
        "directory_mode": {"type": "raw"},
        "owner": _TEXT,
        "group": _TEXT,
        "secret": _FLAG,
        "_source": {"type": "raw"},
    }


@dataclass(frozen=True)
class Desired:
    """A copy as declared. `path` is in the container, `local` on this machine (fetch only).

    `mode` and `folder_mode` are None for those of the source; `owner` and `group` are names or
    numbers, "" for what is there. `source` is None when it is fetched. `follow` goes on to where a
    link at the end leads; without `force` what is there stays.
    """

    container: str
    path: str
    source: Optional[Source]
    local: str
    mode: Optional[int]
    folder_mode: Optional[int]
    owner: str
    group: str
    secret: bool
    follow: bool = False
    force: bool = True
    allow: Tuple[str, ...] = LIMITS
    protect: bool = False

    @property
    def address(self) -> str:
        """The copy's name in plans."""
        return f"copy/{self.container}:{self.path}"


def desired_of(params: Mapping[str, Any]) -> Desired:
    """Return the declared copy; raise InvalidOption for what cannot be right."""
    faults = Faults()
    modes: Dict[str, Optional[int]] = {}
    for option in ("mode", "directory_mode"):
        with faults:
            modes[option] = _mode(params.get(option), option)
    faults.tell()
    _check_conflicts(params)
    source = None if params["fetch"] else _source(params)
    return Desired(
        container=container_name(params["container"], "container"),
        path=check_path(params["src"], "src") if source is None else _target(params, source),
        source=source,
        local=_local(params) if source is None else "",
        mode=modes["mode"],
        folder_mode=modes["directory_mode"],
        owner=params.get("owner") or "",
        group=params.get("group") or "",
        secret=params["secret"] or params.get("secret_content") is not None,
        follow=params["follow"],
        force=params["force"],
    )


def _check_conflicts(params: Mapping[str, Any]) -> None:
    names = ("src", "content", "secret_content")
    given = [name for name in names if params.get(name) is not None]
    if params["fetch"]:
        wrong = [name for name in (*names[1:], "owner", "group") if params.get(name) is not None]
        if wrong:
            hint = "leave one of the two out"
            raise InvalidOption("cannot be combined with fetch: true", option=wrong[0], hint=hint)
        if not given:
            raise InvalidOption("is missing", option="src", hint="name a path in the container")
    elif len(given) != 1:
        text = "is missing" if not given else f"cannot be combined with {given[0]}"
        hint = "give one of src, content and secret_content"
        raise InvalidOption(text, option=given[-1] if given else "src", hint=hint)


def _source(params: Mapping[str, Any]) -> Source:
    for name in ("content", "secret_content"):
        if params.get(name) is not None:
            return Text(params[name])
    given = params.get("_source") or {"path": params["src"]}
    if "archive" in given:
        return Packed(given["archive"], given["name"])
    return Local(given["path"], given.get("name", ""))


def _target(params: Mapping[str, Any], source: Source) -> str:
    path = check_path(params["dest"], "dest")
    if not params["dest"].endswith("/"):
        return path
    if not source.name:
        hint = "write the path of the file, without / at its end"
        raise InvalidOption("a text has no file name of its own", option="dest", hint=hint)
    return f"{path.rstrip('/')}/{source.name}"


def _local(params: Mapping[str, Any]) -> str:
    dest = str(params.get("_source") or params["dest"])
    if params["dest"].endswith("/"):
        dest = os.path.join(dest, params["src"].rstrip("/").rpartition("/")[2])
    return os.path.abspath(dest)


def _mode(value: Any, where: str) -> Optional[int]:
    """Return permission bits; a number without quotes is refused: YAML reads 0644 as 420."""
    if value is None:
        return None
    if not isinstance(value, str) or not re.fullmatch("[0-7]{3,4}", value):
        text = f"'{value}' is not a mode"
        raise InvalidOption(text, option=where, hint="write octal digits in quotes, such as '0644'")
    return int(value, 8)
