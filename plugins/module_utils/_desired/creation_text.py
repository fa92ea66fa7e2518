# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan says of a resource that is not there yet: the fields that are declared for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Iterable, Iterator, List, Mapping, Tuple

from .fields import FieldSpec
from .plan import Plan
from .resource import Resource
from .secrets import hide
from .terminal_text import visible
from .values import MASK

# A reviewer reads it: what is longer is cut, in characters and in lines.
_WIDTH = 160
_LINES = 60


def with_declared(resource: Resource, desired: Any, observed: Any, plan: Plan) -> Plan:
    """Return a plan that makes something with what is declared for it, if it is not there yet."""
    table = resource.declares(desired)
    if table is None or resource.present(observed) is not None:
        return plan
    lines = declared_lines(*table)
    return replace(plan, declared={desired.address: lines} if lines else {})


def declared_lines(fields: Iterable[FieldSpec], declared: Mapping[str, Any]) -> Tuple[str, ...]:
    """Return a line for each declared field, and each key of a map field, in table order.

    Secret values are masked. Lines are cut, and those beyond a number are only counted.
    """
    rows = [row for row in fields if declared.get(row.name) is not None]
    secrets = [text for row in rows if row.secret for text in _texts(declared[row.name])]
    # A secret may stand in a command as well.
    output = (hide(line, secrets) for row in rows for line in _field(row, declared[row.name]))
    lines: List[str] = [visible(line, _WIDTH) for line in output]
    more = len(lines) - _LINES
    return (*lines[:_LINES], f"and {more} more") if more > 0 else tuple(lines)


def _field(row: FieldSpec, value: Any) -> Iterator[str]:
    if row.compare not in ("map", "subset") or not isinstance(value, Mapping):
        yield f"{row.name}: {_shown(row, value)}"
        return
    for key, item in value.items():
        empty = item in ({}, ()) and not row.secret
        yield f"{row.name}.{key}" if empty else f"{row.name}.{key}: {_shown(row, item)}"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, str):
        yield value


def _shown(row: FieldSpec, value: Any) -> str:
    if row.secret:
        return MASK
    return "none" if value is None else row.show(value)
