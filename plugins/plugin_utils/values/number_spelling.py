# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers that were written otherwise than YAML has read them: 12:30 is 750, and 0755 is 493.

ansible-core 2.19 and newer say of a value where it was written; there its spelling is looked up.
Where they do not (a template's outcome, another core), it cannot be told, and the number is taken.
"""

from __future__ import annotations

import re
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple

from ...module_utils._desired.errors import Faults, InvalidOption

try:  # of ansible-core's inside: whatever it has instead one day, nothing but a hint is lost
    from ansible._internal._datatag._tags import Origin
except ImportError:
    Origin = None

_SPELLING = re.compile(r"[-+]?[0-9][0-9_xXbBa-fA-F:]*(?=\s*($|[,}\]#]))")
_LONGEST = 40


def check_spelling(options: Mapping[str, Any], secret: Tuple[str, ...]) -> None:
    """Raise InvalidOption for each whole number in a task's options that YAML has misread.

    The spellings of `secret` options are not repeated.
    """
    faults = Faults()
    files: Dict[str, List[str]] = {}
    for name, value in options.items():
        for path, number in _numbers(value, str(name)):
            spelling = _spelling(number, files)
            if spelling is None or spelling == str(int(number)):
                continue
            shown = ("it", "another number") if name in secret else (spelling, str(int(number)))
            with faults:
                text = "YAML reads {} as {}".format(*shown)
                raise InvalidOption(text, option=path, hint="put it in quotes")
    faults.tell()


def _numbers(value: Any, path: str) -> Iterator[Tuple[str, int]]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _numbers(item, f"{path}.{key}")
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from _numbers(item, f"{path}[{number}]")
    elif isinstance(value, int) and not isinstance(value, bool):
        yield path, value


def _spelling(number: int, files: Dict[str, List[str]]) -> Optional[str]:
    """Return how a number is written in its file, None if that cannot be told."""
    origin = Origin.get_tag(number) if Origin is not None else None
    path, line, column = (getattr(origin, entry, None) for entry in ("path", "line_num", "col_num"))
    if not path or not line or not column:
        return None
    if path not in files:
        files[path] = _lines(path)
    lines = files[path]
    text = lines[line - 1][column - 1 :] if line <= len(lines) else ""
    match = _SPELLING.match(text)
    return match.group() if match and len(match.group()) <= _LONGEST else None


def _lines(path: str) -> List[str]:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().split("\n")
    except (OSError, ValueError):
        return []
