# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parsers that rows of several subjects share: words, mappings, plain text."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional, Tuple

from ..._desired.errors import InvalidOption
from ..._desired.model import Context, FieldSpec
from ..._desired.values import dig

# A bool is nearly always an unquoted yes/no, a float an unquoted version: both lose their spelling.
_SCALARS = (str, int, float, bool)


def parse_text(value: Any, where: str) -> str:
    """Return a scalar as text; raise InvalidOption for a list or a dict."""
    if not isinstance(value, _SCALARS):
        raise InvalidOption("takes one text", option=where, hint="write it as a quoted string")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def parse_words(value: Any, where: str) -> Tuple[str, ...]:
    """Return a command as words: a list as it is, a string split as a shell would, without one.

    Compose Specification, `command` and `entrypoint`: the short form is not run by a shell.
    """
    if isinstance(value, str):
        import shlex

        try:
            return tuple(shlex.split(value))
        except ValueError as exc:
            raise InvalidOption(
                f"cannot be split into words: {str(exc).lower()}",
                option=where,
                hint="close the quote, or write a list of words",
            ) from None
    if not isinstance(value, (list, tuple)):
        raise InvalidOption("takes a string or a list of words", option=where)
    return tuple(parse_text(item, f"{where}[{n}]") for n, item in enumerate(value))


def parse_mapping(value: Any, where: str) -> Dict[str, Optional[str]]:
    """Return a mapping or a list of `KEY=value` as a dict; a bare key has the value None.

    Compose Specification, `environment` and `labels`. Numbers and booleans are taken as the text
    a user would read in YAML (`true`, `8080`).
    """
    pairs: Dict[str, Optional[str]] = {}
    if isinstance(value, Mapping):
        for key, item in value.items():
            here = f"{where}.{key}"
            pairs[_key(str(key), here)] = None if item is None else parse_text(item, here)
        return pairs
    if not isinstance(value, (list, tuple)):
        raise InvalidOption("takes a mapping or a list of KEY=value", option=where)
    for number, entry in enumerate(value):
        if not isinstance(entry, str):
            raise InvalidOption("is not KEY=value", option=f"{where}[{number}]", hint="quote it")
        key, equals, text = entry.partition("=")
        pairs[_key(key, f"{where}[{number}]")] = text if equals else None
    return pairs


def _key(key: str, where: str) -> str:
    if not key or "=" in key or "\0" in key:
        raise InvalidOption(
            "has no usable key", option=where, hint="a key is not empty and has no '='"
        )
    return key


def reject_expansion(path: str, where: str) -> str:
    """Return a path on the host; raise InvalidOption if it would need a shell to be understood.

    Ansible would expand `~` and `$` on the controller, and the engine not at all.
    """
    if path.startswith("~") or "$" in path:
        raise InvalidOption(
            f"'{path}' holds ~ or $, which nobody expands on the host",
            option=where,
            hint="write the whole path, such as /srv/data",
        )
    return path


# -- rows of common shapes --------------------------------------------------------------------

# Changed by `/update` while the container runs; it cannot be lifted that way.
LIVE: Dict[str, Any] = {"change": "live", "live": "update"}


# Podman's API takes it and forgets it.
NOT_PODMAN = ("docker", "windows")


def text(name: str, at: str = "", **more: Any) -> FieldSpec:
    """Return the row of an option that is one text."""
    return FieldSpec(name, **{"at": at, "option": {"type": "str"}, "parse": parse_text, **more})


def flag(name: str, at: str, **more: Any) -> FieldSpec:
    """Return the row of a switch that is off unless it is asked for."""
    return FieldSpec(
        name,
        at=at,
        option={"type": "bool"},
        read=lambda obj, context: bool(dig(obj, at)),
        default=lambda context: False,
        **more,
    )


def number(name: str, at: str, least: int, most: int, **more: Any) -> FieldSpec:
    """Return the row of a whole number; 0, and below it unless `least` is, mean "not set"."""

    def parse(value: Any, where: str) -> Optional[int]:
        if value and not least <= int(value) <= most:
            raise InvalidOption(
                f"{value} is out of range", option=where, hint=f"from {least} to {most}"
            )
        return int(value) or None

    def read(obj: Mapping[str, Any], context: Context) -> Optional[int]:
        return max(int(dig(obj, at) or 0), min(least, 0)) or None

    shape = {"at": at, "option": {"type": "int"}, "parse": parse, "read": read}
    return FieldSpec(name, **{**shape, **more})


def parse_set(value: Any, where: str) -> Tuple[str, ...]:
    """Return a list of words in order, each once; raise InvalidOption for a lone string."""
    if isinstance(value, str):
        raise InvalidOption("takes a list", option=where, hint=f"[{value}]")
    return tuple(sorted(set(parse_words(value, where))))


def parse_lone(value: Any, where: str) -> Tuple[str, ...]:
    """Return a list as it is, and a lone string as a list of one (Compose: `dns`, `tmpfs`)."""
    return (value,) if isinstance(value, str) else parse_words(value, where)


def words(name: str, at: str, **more: Any) -> FieldSpec:
    """Return the row of a list whose order means nothing."""
    option = {"type": "list", "elements": "str"}
    return FieldSpec(
        name, **{"at": at, "option": option, "compare": "set", "parse": parse_set, **more}
    )


def parse_strings(value: Any, where: str) -> Dict[str, str]:
    """Return a mapping or a list of `KEY=value` with texts only; a bare key is an empty text."""
    return {key: text or "" for key, text in parse_mapping(value, where).items()}


def mapping(name: str, at: str, **more: Any) -> FieldSpec:
    """Return the row of a mapping of texts."""
    shape = {"at": at, "option": {"type": "raw"}, "compare": "map", "parse": parse_strings}
    return FieldSpec(name, **{**shape, **more})
