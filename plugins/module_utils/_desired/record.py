# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ownership record as it is written. A no-op does not load this."""

from __future__ import annotations

import json
import os
from typing import Any, Iterable, Mapping

from .fields import FieldSpec
from .ownership import VERSION, digest
from .values import canonical


def encode_record(
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
