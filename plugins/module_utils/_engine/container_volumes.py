# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Named volumes that an engine makes by the way, with a container: a misspelt name is one of them.

Engines refuse a network that is not there, and make a volume. Loaded only if there is a creation.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Mapping, Tuple

from .._desired.model import will_go
from .client import Client, EngineError
from .container_found import Found
from .container_wish import Wish


def with_volumes(client: Client, desired: Wish, found: Found, pending: Mapping[str, str]) -> Found:
    """Add the named volumes that are not there, but for those that an earlier task would make."""
    names = [name for name in _named(desired.declared) if not _comes(pending, name)]
    answers = client.get_all([(f"/volumes/{name}", None) for name in names])
    for answer in answers:
        if isinstance(answer, EngineError) and answer.status != 404:
            raise answer
    gone = (isinstance(one, EngineError) or one.get("Name") != n for n, one in zip(names, answers))
    made = tuple(
        name for name, missing in zip(names, gone) if missing or will_go(pending, f"volume/{name}")
    )
    return replace(found, new_volumes=made)


def notes(found: Found) -> Tuple[str, ...]:
    """Say which volumes come into being beside the container."""
    return tuple(f"volume/{name}: not there; made empty with it" for name in found.new_volumes)


def _named(declared: Mapping[str, Any]) -> Tuple[str, ...]:
    mounts = (declared.get("volumes") or {}).values()
    found = (str(one["source"]) for one in mounts if one["type"] == "volume" and one.get("source"))
    return tuple(dict.fromkeys(found))


def _comes(pending: Mapping[str, str], name: str) -> bool:
    address = f"volume/{name}"
    return address in pending and not will_go(pending, address)
