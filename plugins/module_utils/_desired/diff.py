# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The comparison: declared against observed, field by field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Iterable, Iterator, List, Mapping, Tuple

from .fields import Context, FieldSpec, Scope
from .values import Unknown

if TYPE_CHECKING:
    from .steps import Change


def diff(
    fields: Iterable[FieldSpec], context: Context, seen: Mapping[str, Any], scope: Scope
) -> List[Change]:
    """Return the changes that turn the observed values into the declared ones, in table order."""
    changes: List[Change] = []
    for row in fields:
        if row.name in scope.ignore or row.name.partition(".")[0] in scope.ignore:
            continue
        if row.name not in seen or not _counts(row, context, scope):
            continue
        changes += _field(row, context, seen[row.name], scope)
    return changes


def _counts(row: FieldSpec, context: Context, scope: Scope) -> bool:
    if row.name in context.declared:
        return True
    return scope.full and (scope.managed is None or row.name in scope.managed)


def wanted(row: FieldSpec, context: Context, full: bool = True) -> Any:
    """Return the value a field should have: declared over default, map fields key by key."""
    value = context.declared.get(row.name)
    if isinstance(value, Unknown):
        return value
    default = row.default(context) if row.default and full else None
    if row.compare == "map" and not isinstance(default, Unknown):
        merged = {**(default or {}), **(value or {})}
        return {key: item for key, item in merged.items() if item is not None}
    empty: Any = () if row.compare in ("list", "set") else None
    chosen = value if value is not None else default
    return empty if chosen is None else chosen


def _field(row: FieldSpec, context: Context, before: Any, scope: Scope) -> Iterator[Change]:
    after = wanted(row, context, scope.full)
    pairs: List[Tuple[str, Any, Any]] = []
    if isinstance(after, Unknown) or isinstance(before, Unknown):
        pairs.append(("", before, after))
    elif row.compare in ("map", "subset"):
        partial = row.compare == "subset" or not scope.full
        keys = list(after) if partial else list(dict.fromkeys([*before, *after]))
        pairs += [(k, before.get(k), after.get(k)) for k in keys]
    else:
        pairs.append(("", before, after))
    for key, was, to_be in pairs:
        unsure = isinstance(to_be, Unknown) or isinstance(was, Unknown)
        moved = bool(key) and (key in before) != (key in after)
        if unsure or moved or not _same(row, was, to_be):
            from .change import change_of

            yield change_of(row, context, scope, key, was, to_be)


def _same(row: FieldSpec, entry: Any, other: Any) -> bool:
    if row.compare == "set":
        return set(entry or ()) == set(other or ())
    return bool(entry == other) or (_empty(entry) and _empty(other))


def _empty(value: Any) -> bool:
    return value is None or value in ((), {}, "")
