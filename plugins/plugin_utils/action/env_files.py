# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of `KEY=value` lines on the controller, as Compose reads `env_file` and `label_file`."""

from __future__ import annotations

import os
import re
from typing import Any, Dict, Iterator, List, Mapping, Tuple

from ...module_utils._desired.errors import InvalidOption
from ...module_utils._desired.schema import check_keys
from ...module_utils._engine.values.strings import parse_mapping, parse_text
from ..values.substitution import substituted

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
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", '"': '"', "$": "$"}


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
        variables.update(_lines(text, where) if raw else parse_file(text, where, variables))
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
        # A byte order mark is no part of the first name; only "\\n" and "\\r\\n" end a line.
        with open(path, encoding="utf-8-sig", newline="") as file:
            return file.read().replace("\r\n", "\n")
    except (OSError, ValueError) as error:
        text = "is not UTF-8 text" if isinstance(error, ValueError) else str(error.strerror)
        raise InvalidOption(f"{path}: {text}", option=where) from None


def _lines(text: str, where: str) -> Dict[str, str]:
    """Return the entries of a raw file: what stands behind the first `=` of a line, as it is.

    As Compose's `format: raw`: blanks before a name and lines with `#` first count for nothing.
    """
    variables: Dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), 1):
        key, equals, value = line.lstrip().partition("=")
        if key[:1] == "#" or not (key or equals):
            continue
        if not equals:
            raise _no_value(f"line {number}", where)
        if not key or re.search(r"\s", key):
            hint = "a name holds no blanks, and stands before the ="
            raise InvalidOption(f"line {number} has no usable name", option=where, hint=hint)
        variables[key] = value
    return variables


def _no_value(line: str, where: str) -> InvalidOption:
    text = f"{line} has no value, and no environment is there to take it from"
    return InvalidOption(text, option=where)


def parse_file(text: str, where: str, known: Mapping[str, str]) -> Dict[str, str]:
    """Return the entries of a file; `$NAME` and `${NAME}` stand for earlier ones, or `known` ones.

    Compose's grammar of env files: `export`, comments, single quotes (as it is) and double ones
    (escapes, over several lines); for `${NAME:-default}` and the like see substitution.py. Raise
    InvalidOption with the number of the line.
    """
    variables: Dict[str, str] = {}
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
        variables[entry["key"]] = _value(entry, {**known, **variables}, line, where)
        at = entry.end()
    return variables


def _value(entry: re.Match[str], known: Mapping[str, str], line: str, where: str) -> str:
    if entry["single"] is not None:
        return entry["single"].replace("\\'", "'")
    if entry["double"] is None and entry["plain"] is None:
        raise _no_value(line, where)
    quoted = entry["double"] is not None
    text = entry["double"] if quoted else re.split(r"(?:^|\s)#", entry["plain"])[0].strip()
    try:
        return substituted(text, known, _ESCAPES if quoted else {"$": "$"})
    except ValueError as error:
        hint = "only what stands before it in these files is known"
        raise InvalidOption(f"{line} {error}", option=where, hint=hint) from None
