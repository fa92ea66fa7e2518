# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows from a field table: argument spec, declared values, observed ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Collection, Dict, FrozenSet, Iterable, List, Mapping, Sequence, Tuple

from .errors import Faults, InvalidOption
from .fields import Context, FieldSpec
from .values import MASK, dig, nearest


def argument_spec(fields: Iterable[FieldSpec]) -> Dict[str, Any]:
    """Return Ansible's argument spec of a table."""
    return option_tree({row.name: row.option for row in fields if row.option is not None})


def option_tree(options: Mapping[str, Mapping[str, Any]]) -> Dict[str, Any]:
    """Return an argument spec of options by row; dotted rows become suboptions of a dict."""
    spec: Dict[str, Any] = {}
    for name, entry in options.items():
        parent, _dot, key = name.partition(".")
        if not key:
            spec[parent] = dict(entry)
            continue
        outer = spec.setdefault(parent, {"type": "dict", "options": {}})
        outer["options"][key] = dict(entry)
    return spec


def check_keys(entry: Any, keys: Collection[str], where: str) -> None:
    """Raise InvalidOption for a value that is no mapping, or has a key that is not known."""
    if not isinstance(entry, Mapping):
        hint = f"its keys are {', '.join(keys)}"
        raise InvalidOption("must be a mapping", option=where, hint=hint)
    if not set(keys).issuperset(entry):
        from .input_checks import check_known

        check_known(entry, {key: {"type": "raw"} for key in keys}, where)


def masked_arguments(params: Mapping[str, Any], spec: Mapping[str, Any]) -> Dict[str, Any]:
    """Return a module's arguments as they may be shown: no_log ones masked, internal ones gone."""
    hidden = {name for name, entry in spec.items() if entry.get("no_log")}
    return {
        name: MASK if name in hidden and value is not None else value
        for name, value in params.items()
        if name in spec and name != "pending" and not name.startswith("_")
    }


def declare(fields: Iterable[FieldSpec], params: Mapping[str, Any]) -> Dict[str, Any]:
    """Return the canonical value of each field that the user declared, by field name.

    Raise InvalidOption for the values that their rows' `parse` does not accept, all of them.
    """
    declared: Dict[str, Any] = {}
    faults = Faults()
    for row in fields:
        value = dig(params, row.name)
        if value is not None:
            with faults:
                declared[row.name] = row.parse(value, row.name) if row.parse else value
    faults.tell()
    return {name: value for name, value in declared.items() if value is not None}


def ignored(params: Mapping[str, Any], rows: Iterable[str]) -> FrozenSet[str]:
    """Return the fields whose changes the task ignores, of a table's row names.

    A dotted row may be named whole or by its dict option. Raise InvalidOption for an unknown one.
    """
    names = frozenset(params.get("ignore_changes") or ())
    known = {part for name in rows for part in (name, name.partition(".")[0])}
    for field in names - known:
        raise InvalidOption("unknown field", option="ignore_changes", hint=nearest(field, known))
    return names


def for_kind(fields: Sequence[FieldSpec], kind: str) -> Tuple[FieldSpec, ...]:
    """Return a table with the overrides of one kind of server put in."""
    return tuple(
        replace(row, **row.overrides[kind]) if kind in row.overrides else row for row in fields
    )


def check_supported(fields: Iterable[FieldSpec], context: Context) -> None:
    """Raise InvalidOption for a declared field that this server would drop silently."""
    for row in fields:
        bound = row.only or row.inner or max(row.since, row.until) > (0, 0)
        if bound and row.name in context.declared:
            from .create_body import check_row

            check_row(row, context)


def observed_values(
    fields: Iterable[FieldSpec], obj: Mapping[str, Any], context: Context
) -> Dict[str, Any]:
    """Return the canonical value of every field of an observed object, by field name."""
    return {row.name: _read(row, obj, context) for row in fields if row.read or row.at}


def _read(row: FieldSpec, obj: Mapping[str, Any], context: Context) -> Any:
    if row.quiet and row.name not in context.declared:
        # Not in the record: unset, whatever is shown. In it: unset only at the usual default.
        asked = row.name in context.record.get("digests", {})
        usual = row.quiet[:1] if asked else row.quiet
        if (context.record and not asked) or dig(obj, row.at) in usual:
            return {} if row.compare in ("map", "subset") else None
    if row.read is not None:
        return row.read(obj, context)
    value = dig(obj, row.at)
    if row.compare in ("list", "set"):
        items: List[Any] = list(value or ())
        return tuple(sorted(items) if row.compare == "set" else items)
    if row.compare in ("map", "subset"):
        return dict(value or {})
    return value or None
