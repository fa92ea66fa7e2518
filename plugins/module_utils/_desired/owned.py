# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ownership record: one label that says a resource is ours, and what was last declared."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any, Dict, Iterable, Mapping

from .model import Context, FieldSpec
from .values import canonical

VERSION = 1


def digest(salt: str, name: str, text: str) -> str:
    """Return a short salted digest of one field's value, to tell drift from a new declaration."""
    return hashlib.sha256(f"{salt}\n{name}\n{text}".encode()).hexdigest()[:12]


def make(
    address: str,
    fields: Iterable[FieldSpec],
    declared: Mapping[str, Any],
    extra: Mapping[str, Any],
) -> str:
    """Return the record as the label's value: version, address, salt, a digest per field, extra.

    Values are never stored, and secret rows have no digest: a short secret could be guessed from
    it. `extra` holds what one resource needs to resume (`replaces`, `carried`).
    """
    salt = os.urandom(8).hex()
    digests = {
        row.name: digest(salt, row.name, canonical(declared[row.name]))
        for row in fields
        if row.name in declared and not row.secret
    }
    record = {"v": VERSION, "address": address, "salt": salt, "digests": digests}
    record.update({key: value for key, value in extra.items() if value})
    return json.dumps(record, sort_keys=True, separators=(",", ":"))


def read(value: Any, inherited: Any, *addresses: str) -> Dict[str, Any]:
    """Return the record in a label's value, or {} when it does not make the resource ours.

    A label is inherited from images and through commits, so it counts only if the parent does not
    hold the same value and the address is the resource's, or one that it had.
    """
    if not value or value == inherited:
        return {}
    try:
        record = json.loads(value)
    except ValueError:
        return {}
    if not isinstance(record, dict) or record.get("address") not in addresses:
        return {}
    return record


def fingerprint(values: Any) -> str:
    """Return a digest of observed values, to tell whether a saved plan still fits."""
    return hashlib.sha256(canonical(values).encode()).hexdigest()[:16]


def as_recorded(context: Context, name: str) -> bool:
    """Tell whether a field is declared as it was when the record was written, or neither was."""
    then = context.record.get("digests", {}).get(name)
    now = context.declared.get(name)
    if now is None or then is None:
        return now is None and then is None
    return bool(then == digest(str(context.record.get("salt", "")), name, canonical(now)))
