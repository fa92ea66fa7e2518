# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in other files: variables and labels of services, contents of configs and secrets.

None of these contents is ever part of an error or a warning.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping, Tuple

from ...module_utils._desired.errors import InvalidOption
from ..values.env_file import Outside, parse_file, parse_raw
from .interpolation import Notes
from .reader import Reader, text_of

_KINDS = ("file", "environment", "content")


def with_files(
    entry: Mapping[str, Any], where: str, reader: Reader, known: Mapping[str, str], notes: Notes
) -> Dict[str, Any]:
    """Return a service with its `env_file` as `secret_environment`, its `label_file` as labels.

    `environment` and `labels` win, later files over earlier ones; `known` variables win in `${…}`.
    """
    result = {key: value for key, value in entry.items() if key not in ("env_file", "label_file")}
    variables: Dict[str, str] = {}
    outside = Outside(known, notes.unset)
    for number, file in enumerate(entry.get("env_file") or ()):
        here = f"{where}.env_file[{number}]"
        text = _text(reader, file["path"], file["required"], here)
        if file.get("format") == "raw":
            variables.update(parse_raw(text, here, outside))
        else:
            variables.update(parse_file(text, here, variables, outside))
    plain = entry.get("environment") or {}
    secret = {key: value for key, value in variables.items() if key not in plain}
    if secret:
        result["secret_environment"] = secret
    labels: Dict[str, str] = {}
    for number, path in enumerate(entry.get("label_file") or ()):
        here = f"{where}.label_file[{number}]"
        labels.update(parse_file(_text(reader, path, True, here), here, labels, outside))
    if labels:
        result["labels"] = {**labels, **(entry.get("labels") or {})}
    return result


def _text(reader: Reader, path: str, is_required: bool, where: str) -> str:
    if is_required:
        return reader.text(path, where)
    data = reader.optional(path, where)
    return "" if data is None else text_of(data, path, where)


def content_of(
    entry: Mapping[str, Any], where: str, reader: Reader, known: Mapping[str, str]
) -> Dict[str, Any]:
    """Return `name` and `content` (bytes) of a config or a secret.

    Raise InvalidOption for one that a plain engine cannot have, and for a missing file or variable.
    """
    for key in ("external", "driver", "template_driver"):
        if entry.get(key):
            hint = "write file, environment or content: only a swarm keeps them by themselves"
            raise InvalidOption("is for a swarm", option=f"{where}.{key}", hint=hint)
    kind, value = _kind(entry, where)
    here = f"{where}.{kind}"
    if kind == "file":
        return {"name": entry["name"], "content": reader.data(value, here)}
    if kind == "environment":
        if value not in known:
            hint = "give it in the task's variables, or in an env file"
            raise InvalidOption(f"the variable {value} is not set", option=here, hint=hint)
        value = known[value]
    return {"name": entry["name"], "content": value.encode()}


def _kind(entry: Mapping[str, Any], where: str) -> Tuple[str, str]:
    given = [kind for kind in _KINDS if entry.get(kind) is not None]
    if len(given) != 1:
        text = "has none of file, environment and content"
        if given:
            text = f"has {' and '.join(given)}"
        raise InvalidOption(text, option=where, hint="write exactly one of them")
    return given[0], str(entry[given[0]])
