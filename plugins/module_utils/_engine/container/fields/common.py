# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What rows of several subjects share: parsers of words, and rows of common shapes."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional, Tuple

from ...._desired.errors import Faults, InvalidOption
from ...._desired.fields import Context, FieldSpec
from ...._desired.values import dig
from ...values.strings import parse_mapping, parse_text


def parse_words(value: Any, where: str) -> Tuple[str, ...]:
    """Return a command as words: a list as it is, a string split as a shell would, without one.

    Compose Specification, `command` and `entrypoint`: the short form is not run by a shell.
    """
    if isinstance(value, str):
        from ...values.shell_words import split

        return split(value, where)
    if not isinstance(value, (list, tuple)):
        raise InvalidOption("must be a string or a list of words", option=where)
    words, faults = [], Faults()
    for number, item in enumerate(value):
        with faults:
            words.append(parse_text(item, f"{where}[{number}]"))
    faults.tell()
    return tuple(words)


def reject_expansion(path: str, where: str) -> str:
    """Return a path on the host; raise InvalidOption if it would need a shell to be understood.

    Ansible would expand `~` and `$` on the controller, and the engine not at all.
    """
    if path.startswith("~") or "$" in path:
        raise InvalidOption(
            f"'{path}' contains ~ or $, which are not expanded on the host",
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
    """Return the row of an option that is one text; an empty one is not set, as in the engine."""
    inner = more.pop("parse", parse_text)

    def parse(value: Any, where: str) -> Any:
        return None if value == "" else inner(value, where)

    return FieldSpec(name, at, {"type": "str"}, parse=parse, **more)


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
        raise InvalidOption("must be a list", option=where, hint=f"[{value}]")
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


def _parse_given(value: Any, where: str) -> Dict[str, str]:
    result: Dict[str, str] = {}
    for key, given in parse_mapping(value, where).items():
        if given is None:
            hint = "give it one, or leave it out"
            raise InvalidOption("has no value", option=f"{where}.{key}", hint=hint)
        result[key] = given
    return result


def mapping(name: str, at: str, **more: Any) -> FieldSpec:
    """Return the row of a mapping of texts, each of them given."""
    shape = {"at": at, "option": {"type": "raw"}, "compare": "map", "parse": _parse_given}
    return FieldSpec(name, **{**shape, **more})
