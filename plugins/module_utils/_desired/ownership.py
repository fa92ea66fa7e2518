# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ownership record: one label that says a resource is ours, and what was last declared."""

from __future__ import annotations

import hashlib
from typing import Any, Dict, Mapping

from .bounded_json import decode
from .fields import Context
from .values import canonical

VERSION = 1
# What parts of our labels are: texts, lists and mappings of texts, and `replaces`.
_SHAPES: Dict[str, type] = {
    **dict.fromkeys(("address", "image", "name", "of", "restored", "salt"), str),
    **dict.fromkeys(("carried", "labels", "secret"), list),
    **dict.fromkeys(("bases", "digests", "files", "hooks", "options", "replaces"), dict),
}


def digest(salt: str, name: str, text: str) -> str:
    """Return a short salted digest of one field's value, to tell drift from a new declaration."""
    return hashlib.sha256(f"{salt}\n{name}\n{text}".encode()).hexdigest()[:12]


def parse(label: Any) -> Dict[str, Any]:
    """Return what one of our labels holds, {} if that is no JSON object.

    Anyone can write such a label: what we write ourselves keeps its types (`_SHAPES`), and parts
    of another type are left out.
    """
    try:
        result = decode(label) if isinstance(label, str) else None
    except ValueError:
        return {}
    pairs = result.items() if isinstance(result, dict) else ()
    return {key: value for key, value in pairs if _is_sound(key, value)}


def _is_sound(key: str, value: Any) -> bool:
    shape = _SHAPES.get(key)
    if shape is None or shape is str:
        return shape is None or isinstance(value, str)
    if key == "replaces":
        return isinstance(value, dict) and _is_replaced(value)
    inner = value.values() if isinstance(value, dict) else value
    return isinstance(value, shape) and all(isinstance(entry, str) for entry in inner)


def _is_replaced(value: Mapping[str, Any]) -> bool:
    """Tell whether it says of a replaced container its `id`, and its `restart` policy."""
    restart = value.get("restart")
    kinds = [type(entry) for entry in restart] if isinstance(restart, list) else []
    return isinstance(value.get("id"), str) and kinds == [str, int]


def read(value: Any, *addresses: str) -> Dict[str, Any]:
    """Return the record in a label's value, or {} when it does not make the resource ours.

    It counts only if its address is the resource's, or one that it had. That the label is the
    resource's own, and not inherited, is the caller's to see to.
    """
    record = parse(value)
    return record if record.get("address") in addresses else {}


def fingerprint(values: Any) -> str:
    """Return a digest of observed values, to tell whether a saved plan still fits."""
    return hashlib.sha256(canonical(values).encode()).hexdigest()[:16]


def as_recorded(context: Context, name: str) -> bool:
    """Tell whether a field is declared as it was when the record was written, or neither was."""
    same = context.recorded.get(name)
    if same is None:  # it is asked for each key of a map
        then, now = context.record.get("digests", {}).get(name), context.declared.get(name)
        if now is None or then is None:
            same = now is None and then is None
        else:
            same = then == digest(str(context.record.get("salt", "")), name, canonical(now))
        context.recorded[name] = same
    return same
