# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parsers that rows of several subjects share: words, mappings, plain text."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional, Tuple

from ..._desired.errors import InvalidOption

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
