# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The grammar of files of `KEY=value` lines, as Compose reads `.env` and `env_file`."""

from __future__ import annotations

import re
from typing import Dict, Mapping, Optional

from ...module_utils._desired.errors import InvalidOption
from .substitution import Missing, substituted

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


class Outside:
    """What a file may take from outside: Compose's rules, where the container module has none.

    A name without a value takes that of `environment`, and is nothing if there is none; `known`
    values win in `${…}` over earlier lines, as those of a caller's environment do in Compose; a
    variable that nothing sets is empty, and `missing` is told its name.
    """

    def __init__(self, environment: Mapping[str, str], missing: Missing) -> None:
        self.environment = environment
        self.missing = missing


def decoded(data: bytes) -> str:
    """Return a file's text: a byte order mark is no part of it, and lines end by line feeds.

    Raise ValueError for what is not UTF-8.
    """
    return data.decode("utf-8-sig").replace("\r\n", "\n")


def parse_raw(text: str, where: str, outside: Optional[Outside] = None) -> Dict[str, str]:
    """Return the entries of a raw file: what stands behind the first `=` of a line, as it is.

    As Compose's `format: raw`: blanks before a name and lines with `#` first count for nothing.
    """
    variables: Dict[str, str] = {}
    for number, line in enumerate(text.split("\n"), 1):
        key, equals, value = line.lstrip().partition("=")
        if key[:1] == "#" or not (key or equals):
            continue
        if not equals and outside is None:
            raise _no_value(f"line {number}", where)
        if not key or re.search(r"\s", key):
            hint = "a name holds no blanks, and stands before the ="
            raise InvalidOption(f"line {number} has no usable name", option=where, hint=hint)
        if equals:
            variables[key] = value
        elif outside is not None and key in outside.environment:
            variables[key] = outside.environment[key]
    return variables


def _no_value(line: str, where: str) -> InvalidOption:
    text = f"{line} has no value, and no environment is there to take it from"
    return InvalidOption(text, option=where)


def parse_file(
    text: str, where: str, known: Mapping[str, str], outside: Optional[Outside] = None
) -> Dict[str, str]:
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
        value = _value(entry, {**known, **variables}, line, where, outside)
        if value is not None:
            variables[entry["key"]] = value
        at = entry.end()
    return variables


def _value(
    entry: re.Match[str],
    known: Mapping[str, str],
    line: str,
    where: str,
    outside: Optional[Outside],
) -> Optional[str]:
    if entry["single"] is not None:
        return entry["single"].replace("\\'", "'")
    if entry["double"] is None and entry["plain"] is None:
        if outside is None:
            raise _no_value(line, where)
        return outside.environment.get(entry["key"])
    quoted = entry["double"] is not None
    text = entry["double"] if quoted else re.split(r"(?:^|\s)#", entry["plain"])[0].strip()
    missing = None
    if outside is not None:
        known, missing = {**known, **outside.environment}, outside.missing
    try:
        return substituted(text, known, _ESCAPES if quoted else {"$": "$"}, missing)
    except ValueError as error:
        hint = "only what stands before it in these files is known"
        raise InvalidOption(
            f"{line} {error}", option=where, hint=hint if outside is None else None
        ) from None
