# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parsers of single values of Compose files, and how tables of them read mappings.

A parser takes (value, key path) and returns the canonical value; it raises InvalidOption for a
value that cannot be right. RESET and Override pass through tables and free mappings.
"""

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Optional

from ...module_utils._desired.errors import Faults, InvalidOption
from ...module_utils._desired.sizes import parse_size
from ...module_utils._desired.values import nearest, parse_duration, show_duration
from ...module_utils._engine.values.shell_words import split
from .yaml12 import RESET, Override

Parser = Callable[[Any, str], Any]

_NONE: Mapping[str, str] = {}
_TRUE = ("true", "y", "yes", "on", "1")
_FALSE = ("false", "n", "no", "off", "0")


def text(value: Any, where: str) -> str:
    """Return a text; numbers and booleans as Compose writes them."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and abs(value) < float("inf"):
        return str(int(value)) if value % 1 == 0 and abs(value) < 1e15 else repr(value)
    raise InvalidOption("must be a single string", option=where, hint="write it as a quoted string")


def word(value: Any, where: str) -> str:
    """Return a text that no boolean can stand for: YAML 1.1 reads `no` and `on` as booleans."""
    if isinstance(value, bool):
        what = "must be a string, but YAML reads yes, no, on, off, true and false as booleans"
        raise InvalidOption(what, option=where, hint="put it in quotes")
    return text(value, where)


def number(value: Any, where: str) -> int:
    """Return a whole number, also of a text with digits alone."""
    try:
        if isinstance(value, bool) or (isinstance(value, float) and value % 1):
            raise ValueError
        return int(value)
    except (TypeError, ValueError, OverflowError):
        raise InvalidOption("is not a whole number", option=where, hint="digits alone") from None


def decimal(value: Any, where: str) -> float:
    """Return a number, with a point or without."""
    try:
        result = float(value)
        if isinstance(value, bool) or not abs(result) < float("inf"):
            raise ValueError
        return result
    except (TypeError, ValueError):
        raise InvalidOption("is not a number", option=where, hint="such as 0.5") from None


def flag(value: Any, where: str) -> bool:
    """Return a boolean, also of the words that Compose takes for one."""
    given = str(value).lower()
    if given in _TRUE or given in _FALSE:
        return given in _TRUE
    raise InvalidOption("is neither true nor false", option=where, hint="write one of the two")


def size(value: Any, where: str) -> str:
    """Return bytes in digits; -1 stays (no limit)."""
    if str(value) == "-1":
        return "-1"
    return str(parse_size(value, where) or 0)


def duration(value: Any, where: str) -> str:
    """Return a duration in the largest units that are whole."""
    return show_duration(parse_duration(value, where) or 0)


def octal(value: Any, where: str) -> str:
    """Return permissions as four octal digits; a number is one (0440 in a file is octal)."""
    try:
        if isinstance(value, bool):
            raise ValueError
        mode = value if isinstance(value, int) else int(str(value), 8)
        if not 0 <= mode <= 0o7777:
            raise ValueError
        return f"{mode:04o}"
    except ValueError:
        hint = "octal digits in quotes, such as '0440'"
        raise InvalidOption("are not permissions", option=where, hint=hint) from None


def choice(*known: str) -> Parser:
    """Return a parser of one of several words."""

    def parse(value: Any, where: str) -> str:
        given = text(value, where)
        if given not in known:
            raise InvalidOption(f"'{given}' is not known", option=where, hint=nearest(given, known))
        return given

    return parse


def items(parser: Parser) -> Parser:
    """Return a parser of a list."""

    def parse(value: Any, where: str) -> List[Any]:
        if not isinstance(value, list):
            hint = "begin each entry with a dash"
            raise InvalidOption("must be a list", option=where, hint=hint)
        result = []
        faults = Faults()
        for position, entry in enumerate(value):
            with faults:
                result.append(parser(entry, f"{where}[{position}]"))
        faults.tell()
        return result

    return parse


texts = items(word)


def text_or_texts(value: Any, where: str) -> List[str]:
    """Return a list of texts, also of one text alone."""
    result: List[str] = texts(value if isinstance(value, list) else [value], where)
    return result


def command(value: Any, where: str) -> List[str]:
    """Return the words of a command; a text is split as a shell would, and run by none."""
    if isinstance(value, str):
        return list(split(value, where))
    result: List[str] = items(text)(value, where)
    return result


def mapping(value: Any, where: str) -> Mapping[str, Any]:
    """Return a mapping as it is."""
    if not isinstance(value, Mapping):
        raise InvalidOption("must be a mapping", option=where, hint="write KEY: VALUE pairs")
    return value


def marked(parser: Parser, value: Any, where: str) -> Any:
    """Parse a value that may have one of the tags `!reset` and `!override`."""
    if value is RESET:
        return RESET
    if isinstance(value, Override):
        return Override(parser(value.value, where))
    return parser(value, where)


def pairs(empty: Any = "") -> Parser:
    """Return a parser of a mapping, or a list of KEY=VALUE, of texts; `empty` for no value."""

    def entry(value: Any, where: str) -> Any:
        return empty if value is None else text(value, where)

    def parse(value: Any, where: str) -> Dict[str, Any]:
        result: Dict[str, Any] = {}
        faults = Faults()
        if isinstance(value, list):
            for position, line in enumerate(value):
                with faults:
                    key, equals, rest = _line(line, f"{where}[{position}]")
                    result[key] = rest if equals else empty
        elif isinstance(value, Mapping):
            for key, item in value.items():
                with faults:
                    _check_key(key, f"{where}.{key}")
                    result[str(key)] = marked(entry, item, f"{where}.{key}")
        else:
            raise InvalidOption("must be a mapping or a list of KEY=value", option=where)
        faults.tell()
        return result

    return parse


def _line(line: Any, where: str) -> Any:
    if not isinstance(line, str):
        raise InvalidOption("is not KEY=value", option=where, hint="quote it")
    parts = line.partition("=")
    _check_key(parts[0], where)
    return parts


def _check_key(key: Any, where: str) -> None:
    if isinstance(key, (bool, float)) or not isinstance(key, (str, int)):
        what = "YAML reads this key as a boolean, a number with a point, a date or null"
        raise InvalidOption(what, option=where, hint="put the key in quotes, such as 'on'")
    if not str(key) or "=" in str(key) or "\0" in str(key):
        hint = "a key is not empty and has no '='"
        raise InvalidOption("has no usable key", option=where, hint=hint)


def named(parser: Parser) -> Parser:
    """Return a parser of a mapping whose keys are names of the user's; null is an entry too."""

    def parse(value: Any, where: str) -> Dict[str, Any]:
        result: Dict[str, Any] = {}
        faults = Faults()
        for key, item in mapping(value, where).items():
            here = f"{where}.{key}"
            with faults:
                _check_key(key, here)
                result[str(key)] = None if item is None else marked(parser, item, here)
        faults.tell()
        return result

    return parse


def table(rows: Mapping[str, Parser], refused: Optional[Mapping[str, str]] = None) -> Parser:
    """Return a parser of a mapping with known keys, each with its parser.

    Keys without a value count as absent, and those that begin with `x-` are left out. Raise
    InvalidOption for an unknown key, with the nearest known one, and for a refused one with the
    reason.
    """

    def parse(value: Any, where: str) -> Dict[str, Any]:
        result: Dict[str, Any] = {}
        faults = Faults()
        prefix = f"{where}." if where else ""
        for key, item in mapping(value, where).items():
            parser = rows.get(key)
            if parser is not None:
                if item is not None:
                    with faults:
                        result[key] = marked(parser, item, f"{prefix}{key}")
            elif not str(key).startswith("x-"):
                with faults:
                    raise unknown(key, f"{prefix}{key}", rows, refused or {})
        faults.tell()
        return result

    return parse


def unknown(
    key: Any, where: str, rows: Mapping[str, Parser], refused: Mapping[str, str]
) -> InvalidOption:
    """Return the error for a key that no row has."""
    if key in refused:
        return InvalidOption("is not supported", option=where, hint=refused[key])
    hint = nearest(str(key), rows)
    return InvalidOption("unknown key", option=where, hint=hint)


def required(entry: Mapping[str, Any], key: str, where: str) -> Any:
    """Return what a mapping has to have."""
    if entry.get(key) in (None, ""):
        raise InvalidOption(f"has no {key}", option=where, hint=f"write {key}: …")
    return entry[key]
