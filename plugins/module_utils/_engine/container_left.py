# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an interrupted replacement left behind. Loaded only if something is called like it.

Anybody can give a container such a name, and an image can bring a record along. So a new one says
of its own which one it replaces, and only what a new one replaces, or what is known by its own
labels to be ours (or Compose's), was set aside.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, List, Mapping, Optional

from .._desired.values import dig
from .client import Client, EngineError
from .container_found import (
    Bases,
    Found,
    Inspect,
    aside_name,
    bare_name,
    bases_of,
    is_foreign,
    record_of,
    temporary_name,
)
from .container_wish import Wish


def with_left(client: Client, wish: Wish, found: Found, listed: List[Mapping[str, Any]]) -> Found:
    """Return the snapshot with what is left (`fresh`, `old`, `apart`) of the listed containers."""
    answers = client.get_all([(f"/containers/{one['Id']}/json", None) for one in listed])
    left: List[Inspect] = [one for one in answers if not isinstance(one, EngineError)]
    bases = {**found.bases, **bases_of(client, left, found.image)}
    fresh: Optional[Inspect] = None
    replaced = {_replaced_id(wish, found.current, bases)}
    for one in left:
        ident = _replaced_id(wish, one, bases)
        if ident and bare_name(one) == temporary_name(ident, wish.name):
            fresh = one
            replaced.add(ident)
    old = [one for one in left if bare_name(one) == aside_name(str(one["Id"]), wish.name)]
    known = [one for one in old if one["Id"] in replaced or not _is_others(wish, one, bases)]
    others = [one for one in old if one not in known]
    return replace(
        found,
        fresh=fresh,
        old=known[-1] if known else None,
        apart=others[-1] if others else None,
        bases=bases,
    )


def _replaced_id(wish: Wish, one: Optional[Inspect], bases: Bases) -> str:
    base = bases.get(str(dig(one, "Image")))
    return str(dig(record_of(one, base, wish.names), "replaces.id") or "")


def _is_others(wish: Wish, one: Inspect, bases: Bases) -> bool:
    base = bases.get(str(one["Image"]))
    return is_foreign(one, base, record_of(one, base, wish.names))
