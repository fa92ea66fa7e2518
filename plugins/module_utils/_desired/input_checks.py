# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task gives, looked at before Ansible makes other types of it: all its faults at once.

ansible-core turns whatever it gets into the type that is asked for: a mapping into the text of a
Python dict, an unquoted `no` into `False`, a number into a list with that number as a text.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Dict, Iterator, Mapping, Optional, Sequence, Tuple

from .errors import Faults, InvalidOption
from .values import MASK, nearest

_QUOTE = "put it in quotes"
_WHOLE = re.compile(r"\s*[-+]?[0-9]+(\.0*)?\s*")
# What ansible-core takes for a boolean.
_FLAGS = frozenset(
    ("y", "yes", "on", "1", "1.0", "true", "t", "n", "no", "off", "0", "0.0", "false", "f")
)
_INDEX = re.compile(r"\[[0-9]+\]")


def check_known(
    params: Mapping[str, Any],
    spec: Mapping[str, Any],
    where: str = "",
    answers: Optional[Mapping[str, str]] = None,
) -> None:
    """Raise InvalidOption for unknown options, and for values of another shape than is asked for.

    Of an unknown option the nearest known one is named, or what `answers` has for its path: what
    options that are known elsewhere are called here. It also has answers for values, by
    `option=value`. Values of secret options are never named. Refused as well is a number without
    an end (YAML's `.inf`, `.nan`): ansible-core 2.19 breaks off with a traceback there.
    """
    faults = Faults()
    for name, entry in spec.items():
        if entry.get("required") and not any(
            params.get(item) is not None for item in (name, *entry.get("aliases", ()))
        ):
            with faults:
                path = f"{where}.{name}" if where else name
                raise InvalidOption("is required", option=path)
    for name, value in params.items():
        path = f"{where}.{name}" if where else str(name)
        with faults:
            entry = _entry(name, path, spec, answers or {})
            _check_answer(path, value, answers or {})
            for option, part, kind in _parts(value, entry, path):
                with faults:
                    if "choices" in entry and kind == "str":
                        _check_choice(str(part), entry["choices"], option)
                    _check_shape(part, option, kind)
            for option, part in _mappings(value, entry, path):
                with faults:
                    check_known(part, entry["options"], option, answers)
    faults.tell()


def _entry(
    name: Any, path: str, spec: Mapping[str, Any], answers: Mapping[str, str]
) -> Mapping[str, Any]:
    """Return an option's entry of the argument spec; raise InvalidOption if there is none."""
    for known, entry in spec.items():
        if name == known or name in entry.get("aliases", ()):
            result: Mapping[str, Any] = entry
            return result
    hint = answers.get(_INDEX.sub("", path))
    if hint is None:  # internal options are not listed
        hint = nearest(str(name), (item for item in spec if item != "pending" and item[:1] != "_"))
    raise InvalidOption("unknown option", option=path, hint=hint)


def _check_answer(path: str, value: Any, answers: Mapping[str, str]) -> None:
    hint = answers.get(f"{_INDEX.sub('', path)}={value}") if isinstance(value, (str, int)) else None
    if hint is not None:
        raise InvalidOption(f"'{value}' is not known", option=path, hint=hint)


def _parts(value: Any, entry: Mapping[str, Any], path: str) -> Iterator[Tuple[str, Any, str]]:
    """Yield (path, value, type) of an option, and of the items of its list."""
    kind = str(entry.get("type", "str"))
    if value is None:
        return
    yield path, value, f"{kind} of mappings" if entry.get("options") else kind
    if kind == "list" and isinstance(value, list) and not entry.get("options"):
        for number, part in enumerate(value):
            yield f"{path}[{number}]", part, str(entry.get("elements", "raw"))


def _mappings(value: Any, entry: Mapping[str, Any], path: str) -> Iterator[Tuple[str, Any]]:
    """Yield (path, mapping) of an option with suboptions; raise InvalidOption for what is none.

    A text is left to ansible-core, which parses it.
    """
    if not entry.get("options") or value is None:
        return
    several = isinstance(value, list) and entry.get("type") == "list"
    for number, part in enumerate(value if several else [value]):
        here = f"{path}[{number}]" if several else path
        if isinstance(part, Mapping):
            yield here, part
        elif not isinstance(part, str):
            keys = ", ".join(sorted(entry["options"]))
            raise InvalidOption("must be a mapping", option=here, hint=f"its keys are {keys}")


def _check_shape(value: Any, path: str, kind: str) -> None:
    """Raise InvalidOption for a value that ansible-core would make another one of."""
    if isinstance(value, float) and not abs(value) < float("inf"):
        raise InvalidOption("is not a number", option=path, hint="write it in digits")
    if kind in _CHECKS:
        _CHECKS[kind](value, path)
    elif kind == "list" and not isinstance(value, (list, str, Mapping)):
        hint = f"{_QUOTE}, in a list: YAML reads 22:22 as 1342, and no as false"
        raise InvalidOption("must be a list", option=path, hint=hint)
    elif kind in ("list", "list of mappings") and isinstance(value, Mapping):
        raise InvalidOption("must be a list", option=path, hint="begin each entry with a dash")
    elif kind == "dict" and not isinstance(value, (Mapping, str)):
        raise InvalidOption("must be a mapping", option=path, hint="write KEY: VALUE pairs")


def _check_text(value: Any, path: str) -> None:
    if isinstance(value, (Mapping, list)):
        what = "mapping" if isinstance(value, Mapping) else "list"
        hint = "write {{ … | to_json }} or to_nice_yaml for its text"
        raise InvalidOption(f"must be a string, not a {what}", option=path, hint=hint)
    if isinstance(value, bool):
        text = "must be a string, but YAML reads yes, no, on, off, true and false as booleans"
        raise InvalidOption(text, option=path, hint=_QUOTE)
    if isinstance(value, float):
        raise InvalidOption(POINT, option=path, hint=_QUOTE)
    if value is not None and not isinstance(value, (str, int)):
        raise InvalidOption("must be a string, but YAML reads a date", option=path, hint=_QUOTE)


def _check_choice(value: str, choices: Sequence[str], path: str) -> None:
    if value not in choices:
        hint = f"use one of {', '.join(choices)}"
        raise InvalidOption(f"'{value}' is not known", option=path, hint=hint)


def _check_number(value: Any, path: str) -> None:
    whole = isinstance(value, (int, float)) and not isinstance(value, bool) and value % 1 == 0
    if not whole and not (isinstance(value, str) and _WHOLE.fullmatch(value)):
        raise InvalidOption("is not a whole number", option=path, hint="write digits alone")


def _check_flag(value: Any, path: str) -> None:
    if not isinstance(value, (str, int, float)) or str(value).strip().lower() not in _FLAGS:
        raise InvalidOption("is neither true nor false", option=path, hint="write one of the two")


_CHECKS: Mapping[str, Callable[[Any, str], None]] = {
    "str": _check_text,
    "int": _check_number,
    "bool": _check_flag,
}
# Of a number with a point where a text is meant.
POINT = "is a number with a point, which YAML may have shortened (1.10 is 1.1)"


def keys_alone(arguments: Mapping[str, Any], private: Sequence[str]) -> Dict[str, Any]:
    """Return a module's arguments with the values of suboptions such as `build.args` masked.

    They cannot be no_log: core would blank their values, which may be 1 or true, all over the
    result.
    """
    result = dict(arguments)
    for outer, _dot, inner in (name.partition(".") for name in private):
        if result.get(outer) and result[outer].get(inner):
            result[outer] = {**result[outer], inner: _masked(result[outer][inner])}
    return result


def _masked(value: Any) -> Any:
    """Return a mapping, or a list of KEY=VALUE, with the values masked."""
    if isinstance(value, Mapping):
        return dict.fromkeys(value, MASK)
    if not isinstance(value, list):
        return MASK
    pairs = (str(entry).partition("=") for entry in value)
    return [f"{key}={MASK}" if equals else MASK for key, equals, _text in pairs]
