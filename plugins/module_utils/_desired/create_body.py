# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows from a field table for a creation: what the server can honour, the create body."""

from __future__ import annotations

from typing import Any, Callable, Dict, Iterable, Tuple

from .errors import InvalidOption
from .fields import Context, FieldSpec
from .values import Unknown, put


def check_row(row: FieldSpec, context: Context) -> None:
    """Raise InvalidOption if this server would drop a declared field, or a part of it, silently."""
    if row.only and context.kind not in row.only:
        raise InvalidOption(
            f"{context.kind} does not support it",
            option=row.name,
            hint=f"it works with {', '.join(row.only)}",
        )
    value = context.declared[row.name]
    inner = row.inner(value) if row.inner and not isinstance(value, Unknown) else ()
    for where, since in [("", row.since), *inner]:
        if context.api < since:
            raise InvalidOption(
                f"this server's API {_dotted(context.api)} would drop it silently",
                option=f"{row.name}{where}",
                hint=f"it needs API {_dotted(since)} or newer",
            )
    if (0, 0) < row.until <= context.api:
        raise InvalidOption(
            f"this server's API {_dotted(context.api)} no longer has it",
            option=row.name,
            hint=f"it works before API {_dotted(row.until)}",
        )


def body(
    fields: Iterable[FieldSpec], context: Context, place: Callable[[str], str]
) -> Dict[str, Any]:
    """Return the create body of the declared fields; `place` maps an observed path to its own."""
    result: Dict[str, Any] = {}
    for row in fields:
        value = context.declared.get(row.name)
        if value is None:
            continue
        if row.write is not None:
            row.write(result, value, context)
        elif row.at:
            put(result, place(row.at), list(value) if isinstance(value, tuple) else value)
    return result


def _dotted(version: Tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
