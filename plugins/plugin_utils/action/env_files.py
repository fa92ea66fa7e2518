# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of `KEY=value` lines on the controller, as Compose reads `env_file` and `label_file`."""

from __future__ import annotations

import os
from typing import Any, Dict, Iterator, List, Mapping, Tuple

from ...module_utils._desired.errors import InvalidOption
from ...module_utils._desired.schema import check_keys
from ...module_utils._engine.values.strings import parse_mapping, parse_text
from ..values.env_file import decoded, parse_file, parse_raw


def with_files(params: Mapping[str, Any], loader: Any) -> Dict[str, Any]:
    """Return a container's options with its files read: variables as secret ones, and labels.

    What `environment`, `secret_environment` and `labels` say wins. Raise InvalidOption for a file
    that cannot be read or understood; its values are never repeated.
    """
    result = {**params, "env_file": None, "label_file": None}
    variables = _read(params.get("env_file"), "env_file", loader)
    if variables:
        plain = parse_mapping(params.get("environment") or {}, "environment")
        kept = {key: value for key, value in variables.items() if key not in plain}
        result["secret_environment"] = {**kept, **(params.get("secret_environment") or {})}
    labels = _read(params.get("label_file"), "label_file", loader)
    if labels:
        result["labels"] = {**labels, **parse_mapping(params.get("labels") or {}, "labels")}
    return result


def _read(value: Any, option: str, loader: Any) -> Dict[str, str]:
    variables: Dict[str, str] = {}
    for path, required, raw, where in _files(value, option):
        if path.startswith("~"):
            raise InvalidOption(f"'{path}': a ~ is not expanded", option=where, hint="write it out")
        whole = os.path.join(loader.get_basedir(), path)
        if not os.path.exists(whole):
            if not required:
                continue
            hint = "correct the path, or set required: false beside it"
            text = f"there is no file {whole} on the controller"
            raise InvalidOption(text, option=where, hint=hint)
        if not os.path.isfile(whole):
            raise InvalidOption(f"{whole} is not a file", option=where)
        text = _text(loader.get_real_file(whole), where)
        variables.update(parse_raw(text, where) if raw else parse_file(text, where, variables))
    return variables


def _files(value: Any, option: str) -> Iterator[Tuple[str, bool, bool, str]]:
    """Yield (path, required, raw, key path) of Compose's short and long forms."""
    entries: List[Any] = value if isinstance(value, list) else [value] if value else []
    for number, entry in enumerate(entries):
        where = f"{option}[{number}]" if isinstance(value, list) else option
        if not isinstance(entry, Mapping):
            yield parse_text(entry, where), True, False, where
            continue
        check_keys(entry, ("path", "required", "format"), where)
        if entry.get("format") not in (None, "raw"):
            raise InvalidOption("is not known", option=f"{where}.format", hint="raw, or nothing")
        path = parse_text(entry.get("path") or "", f"{where}.path")
        yield path, bool(entry.get("required", True)), entry.get("format") == "raw", where


def _text(path: str, where: str) -> str:
    try:
        with open(path, "rb") as file:
            return decoded(file.read())
    except (OSError, ValueError) as error:
        text = "is not UTF-8 text" if isinstance(error, ValueError) else str(error.strerror)
        raise InvalidOption(f"{path}: {text}", option=where) from None
