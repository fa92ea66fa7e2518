# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one difference means: what it costs, where it comes from, how it is said."""

from __future__ import annotations

from typing import Any, Dict

from .fields import Context, FieldSpec, Scope
from .ownership import as_recorded
from .steps import Change
from .values import MASK, Unknown, show


def change_of(
    row: FieldSpec, context: Context, scope: Scope, key: str, before: Any, after: Any
) -> Change:
    """Return the change of a field, or of one key of a map field, that was found to differ."""
    declared = context.declared.get(row.name)
    given = declared is not None if not key else key in (declared or {})
    impact = row.change if given or (after is not None and after != ()) else row.unset
    hide = row.secret or key in scope.private.get(row.name, frozenset())
    # A value that is no longer declared may be a secret that was typed by hand.
    hide_before = hide or (row.guarded and not given)
    before = MASK if hide_before and before is not None else before
    after = MASK if hide and after is not None else after
    text = " → ".join(
        show(value)
        if value is None or value == MASK or isinstance(value, Unknown)
        else row.show(value)
        for value in (before, after)
    )
    origin = _origin(row, context, given)
    if origin == "drift" and scope.sealed and row.live:
        origin = "declared" if given else "dropped"
    return Change(row.name, key, before, after, impact, origin, hide, text)


def _origin(row: FieldSpec, context: Context, given: bool) -> str:
    """Tell an edited declaration from drift by the digest of what was last declared."""
    digests: Dict[str, str] = dict(context.record.get("digests", {}))
    if not context.record or row.secret:
        return "declared" if given else "unknown"
    now = context.declared.get(row.name)
    then = digests.get(row.name)
    if then is None:
        # A row of a group follows what is declared for its companions.
        return "declared" if now is not None or row.group else "drift"
    if now is None:
        return "dropped"
    return "drift" if as_recorded(context, row.name) else ("declared" if given else "dropped")
