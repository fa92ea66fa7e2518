# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a volume should be: the task's options, checked and in canonical form."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, FrozenSet, Mapping, Tuple

from ..._desired.errors import Faults, InvalidOption
from ..._desired.schema import argument_spec, declare, ignored
from ..client.options import behaviour, check_external
from .fields import FIELDS

# As the engine's local driver has it.
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")


def spec() -> Dict[str, Any]:
    """Return the argument spec of a volume without the connection's options."""
    own = {name: {"type": "str"} for name in ("destroy", "backup", "restore")}
    return {**behaviour(), **own, **argument_spec(FIELDS)}


@dataclass(frozen=True)
class Desired:
    """A volume as declared; `declared` is canonical, by field; `marks` are labels that
    it is created with, and that are not compared. `destroys`: its data may go.

    `backup` and `restore` are paths of archives on the machine where this runs, "" for none.
    """

    name: str
    declared: Mapping[str, Any]
    state: str
    external: bool
    destroys: bool
    allow: Tuple[str, ...]
    protect: bool
    ignore: FrozenSet[str]
    adopt: bool
    marks: Mapping[str, str] = field(default_factory=dict)
    backup: str = ""
    restore: str = ""

    @property
    def address(self) -> str:
        """The volume's name in plans."""
        return f"volume/{self.name}"


def desired_of(params: Mapping[str, Any]) -> Desired:
    """Return the declared volume of a task's options.

    Raise InvalidOption for anything that cannot be right whatever the host looks like.
    """
    name = str(params["name"])
    faults = Faults()
    with faults:
        if not _NAME.fullmatch(name):
            hint = "two or more letters, digits, '_', '.' or '-', beginning with a letter or digit"
            raise InvalidOption(f"'{name}' is not a volume name", option="name", hint=hint)
    with faults:
        declared = declare(FIELDS, params)
    with faults:
        ignore = ignored(params, (row.name for row in FIELDS))
    faults.tell()
    if params.get("destroy") not in (None, "", name):
        raise InvalidOption(
            f"names another volume than {name}", option="destroy", hint=f"write destroy: {name}"
        )
    check_external(params, declared)
    for key in declared.get("secret_driver_opts") or ():
        if key in (declared.get("driver_opts") or ()):
            where = f"driver_opts.{key}"
            raise InvalidOption("is in secret_driver_opts too", option=where, hint="keep one")
    return Desired(
        name=name,
        declared=declared,
        state=params["state"],
        external=params["external"],
        destroys=bool(params.get("destroy")),
        allow=tuple(params["allow"]),
        protect=params["protect"],
        ignore=ignore,
        adopt=params["adopt"],
        backup=_archive(params, "backup", os.path.dirname),
        restore=_archive(params, "restore", lambda path: path),
    )


def _archive(params: Mapping[str, Any], option: str, needed: Callable[[str], str]) -> str:
    path = str(params.get(option) or "")
    if not path:
        return ""
    if params["external"] and option == "restore":
        hint = "leave it out, or leave external out"
        raise InvalidOption("an external one is never changed", option=option, hint=hint)
    if params["state"] == "absent" and option == "restore":
        raise InvalidOption("there is nothing to restore into with state: absent", option=option)
    if not os.path.isabs(path):
        raise InvalidOption(f"'{path}' is not an absolute path here", option=option)
    if not os.path.exists(needed(path)):
        raise InvalidOption(f"there is nothing at {needed(path)}", option=option)
    return path
