# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that go into a request's path, and whether what an engine answers is what was named.

Engines take the first letters of an id wherever they take a name, Podman those of a name too: with
no container `db` they answer for one whose id begins with db4d. So each answer to a name is held
against it here. A whole id (64 hexadecimal digits) names what has it.
"""

from __future__ import annotations

import re
from typing import Any, Mapping, Optional

from ..._desired.errors import InvalidOption
from .errors import EngineError

Answer = Mapping[str, Any]

_CONTAINER = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
_SHOWN = 120  # characters of a text that is no name
_WHOLE_ID = re.compile(r"[0-9a-f]{64}")


def container_name(text: Any, option: str) -> str:
    """Return a container's name or whole id; Docker's own spelling `/web` is web.

    Raise InvalidOption for what no container can be called.
    """
    output = str(text)
    name = output[1:] if output.startswith("/") else output
    if not _CONTAINER.fullmatch(name):
        raise not_a_name(output, option)
    return name


def not_a_name(text: str, option: str) -> InvalidOption:
    """Return the error of a text that no container is called (Engine API, "Create a container")."""
    hint = "two or more letters, digits, '_', '.' or '-', beginning with a letter or digit"
    output = f"'{text[:_SHOWN]}' is not a container name" if text else "is empty"
    return InvalidOption(output, option=option, hint=hint)


def meant(kind: str, name: str, answer: Any) -> Optional[Answer]:
    """Return the engine's answer to a name if it is about what has that name, else None.

    `kind` is container, network, volume or image. `answer` may be the EngineError that stands for
    it: None when there is nothing of the name, raised when it is another one. Raise EngineError
    for an answer that is none.
    """
    if isinstance(answer, EngineError):
        if absent(answer):
            return None
        raise answer
    keys = {"image": ("Id",), "volume": ("Name",)}.get(kind, ("Id", "Name"))
    if not isinstance(answer, dict) or not all(isinstance(answer.get(k), str) for k in keys):
        raise EngineError(f"the engine's answer for the {kind} {name} does not describe one")
    if kind != "image":  # the name of one has a tag, or is a whole id
        called = str(answer["Name"])
        named = (called.lstrip("/") if kind == "container" else called) == name
        if not named and not (_WHOLE_ID.fullmatch(name) and answer.get("Id") == name):
            return None
    return dict(answer)


def absent(error: EngineError) -> bool:
    """Tell whether an engine says that there is nothing of a name, or takes it for the beginning
    of several ids."""
    return error.status == 404 or "prefix" in error.message
