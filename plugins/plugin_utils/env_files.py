# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of `KEY=value` lines on the controller, as Compose reads `env_file` and `label_file`."""

from __future__ import annotations

import os
import re
from typing import Any, Dict, Iterator, List, Mapping, Tuple

from ..module_utils._desired.errors import InvalidOption
from ..module_utils._desired.spec import check_keys
from ..module_utils._engine.texts import parse_mapping, parse_text

_ENTRY = re.compile(
    r"""[ \t]*(?:export[ \t]+)?(?P<key>[\w.\[\]-]+)
    (?:[ \t]*[=:][ \t]*(?:
        '(?P<single>(?:[^'\\]|\\.)*)'
      | "(?P<double>(?:[^"\\]|\\.)*)"
      | (?P<plain>(?![ \t]*['"])[^\n]*)
    ))?
    [ \t]*(?:\#[^\n]*)?(?:\n|\Z)""",
    re.VERBOSE | re.DOTALL,
)
_BLANK = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
_VARIABLE = re.compile(r"\\\$|\$(?:\{(\w+)\}|(\w+))")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "$": "$"}


def with_files(params: Mapping[str, Any], loader: Any) -> Dict[str, Any]:
    """Return a container's options with its files read: variables as secret ones, and labels.

    What `environment`, `secret_environment` and `labels` say wins. Raise InvalidOption for a file
    that cannot be read or understood; its values are never repeated.
    """
    made = {**params, "env_file": None, "label_file": None}
    variables = _read(params.get("env_file"), "env_file", loader)
    if variables:
        plain = parse_mapping(params.get("environment") or {}, "environment")
        kept = {key: value for key, value in variables.items() if key not in plain}
        made["secret_environment"] = {**kept, **(params.get("secret_environment") or {})}
    labels = _read(params.get("label_file"), "label_file", loader)
    if labels:
        made["labels"] = {**labels, **parse_mapping(params.get("labels") or {}, "labels")}
    return made


def _read(value: Any, option: str, loader: Any) -> Dict[str, str]:
    found: Dict[str, str] = {}
    for path, required, raw, where in _files(value, option):
        if path.startswith("~"):
            raise InvalidOption(f"'{path}': a ~ is not expanded", option=where, hint="write it out")
        whole = os.path.join(loader.get_basedir(), path)
        if not os.path.exists(whole):
            if not required:
                continue
            hint = "correct the path, or say required: false beside it"
            text = f"there is no file {whole} on the controller"
            raise InvalidOption(text, option=where, hint=hint)
        with open(loader.get_real_file(whole), encoding="utf-8") as file:
            text = file.read()
        found.update(_lines(text, where) if raw else parse_file(text, where, found))
    return found


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


def _lines(text: str, where: str) -> Dict[str, str]:
    pairs = (line.partition("=") for line in text.splitlines() if line and line[0] != "#")
    return {key: value for key, _equals, value in pairs}


def parse_file(text: str, where: str, known: Mapping[str, str]) -> Dict[str, str]:
    """Return the entries of a file; `$NAME` and `${NAME}` stand for earlier ones, or `known` ones.

    Compose's grammar of env files: `export`, comments, single quotes (as it is) and double ones
    (escapes, over several lines). Raise InvalidOption with the number of the line.
    """
    found: Dict[str, str] = {}
    at = 0
    while at < len(text):
        blank = _BLANK.match(text, at)
        if blank is not None and blank.end() > at:
            at = blank.end()
            continue
        entry = _ENTRY.match(text, at)
        line = f"line {text.count(chr(10), 0, at) + 1}"
        if entry is None:
            raise InvalidOption(f"{line} is not KEY=value", option=where, hint="look at its quotes")
        found[entry["key"]] = _value(entry, {**known, **found}, line, where)
        at = entry.end()
    return found


def _value(entry: re.Match[str], known: Mapping[str, str], line: str, where: str) -> str:
    if entry["single"] is not None:
        return entry["single"].replace("\\'", "'")
    if entry["double"] is None and entry["plain"] is None:
        raise InvalidOption(
            f"{line} has no value, and no environment is there to take it from", option=where
        )
    quoted = entry["double"] is not None
    text = entry["double"] if quoted else re.split(r"(?:^|\s)#", entry["plain"])[0].strip()

    def variable(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if name is None:
            return found[0]
        if name not in known:
            raise InvalidOption(
                f"{line} refers to {name}, which nothing before it sets", option=where
            )
        return known[name]

    text = _VARIABLE.sub(variable, text)
    if not quoted:
        return text.replace("\\$", "$")
    return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[0]), text, flags=re.DOTALL)
