# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is beside a container: what an interrupted replacement left behind, and all others. Loaded
only if something is called like it, or is to be done.

Anyone can give a container such a name, and an image can bring a record along. So a new one says
of its own which one it replaces, and only what a new one replaces, or what is known by its own
labels to be ours (or Compose's), was set aside.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Iterable, List, Mapping, Optional

from ..._desired.planned import Pending, address_then, will_change
from ..._desired.values import dig
from ..client.engine import Client
from ..client.errors import EngineError
from .desired import Desired
from .inspected import Inspect, aside_name, bare_name, is_foreign, record_of, temporary_name
from .observed import Bases, Observed
from .reads import bases_of


def aside_of(name: str, listed: Iterable[Inspect]) -> List[Inspect]:
    """Return those of the listed containers that are called as a replacement of one calls them."""

    def is_called(text: str) -> bool:
        return text[12:] == f"_{name}" or text[:-12] == f"{name}.old-"

    return [
        entry
        for entry in listed
        if any(is_called(str(text).lstrip("/")) for text in entry.get("Names") or ())
    ]


def with_left(
    client: Client, desired: Desired, observed: Observed, listed: List[Mapping[str, Any]]
) -> Observed:
    """Return the snapshot with what is left (`fresh`, `old`, `apart`) of the listed containers."""
    beside = aside_of(desired.name, listed)
    if not beside:
        return observed
    answers = client.get_all([(f"/containers/{entry['Id']}/json", None) for entry in beside])
    left: List[Inspect] = [entry for entry in answers if not isinstance(entry, EngineError)]
    bases = {**observed.bases, **bases_of(client, left, observed.image)}
    fresh: Optional[Inspect] = None
    replaced = {_replaced_id(desired, observed.current, bases)}
    for entry in left:
        ident = _replaced_id(desired, entry, bases)
        if ident and bare_name(entry) == temporary_name(ident, desired.name):
            fresh = entry
            replaced.add(ident)
    old = [
        entry for entry in left if bare_name(entry) == aside_name(str(entry["Id"]), desired.name)
    ]
    known = [
        entry for entry in old if entry["Id"] in replaced or not _is_others(desired, entry, bases)
    ]
    others = [entry for entry in old if entry not in known]
    return replace(
        observed,
        fresh=fresh,
        old=known[-1] if known else None,
        apart=others[-1] if others else None,
        bases=bases,
    )


def with_beside(
    client: Client,
    desired: Desired,
    observed: Observed,
    pending: Pending,
    makes: bool,
) -> Observed:
    """Add what a plan that makes or removes a container needs to know: the named volumes that are
    not there, all other containers, and the dependents of one that is replaced.
    """
    if makes and desired.declared.get("volumes"):
        from .volumes import with_volumes

        observed = with_volumes(client, desired, observed, pending)
    there = (observed.current, observed.fresh, observed.old) != (None, None, None)
    return with_others(client, observed, pending, desired.name if there else "")


def with_others(
    client: Client, observed: Observed, pending: Pending, replaced: str = ""
) -> Observed:
    """Add all containers of the engine as listed, for the checks before a creation.

    One that an earlier task of this check would remove is not among them, and of one that it would
    change otherwise the ports are unknown. `replaced` names the container that is replaced, whose
    dependents are looked for.
    """
    others: List[Mapping[str, Any]] = []
    for entry in client.get("/containers/json", {"all": True}) or ():
        name = str((entry.get("Names") or ["?"])[0])
        address = f"container{name}"
        then = address_then(pending, address)
        if then and then != address:
            entry = {**entry, "Names": [f"/{then.partition('/')[2]}"]}
        if then:
            others.append({**entry, "Ports": ()} if will_change(pending, address) else entry)
    observed = replace(observed, others=tuple(others))
    if not replaced:
        return observed
    from .dependents import look

    return look(client, observed, replaced)


def _replaced_id(desired: Desired, entry: Optional[Inspect], bases: Bases) -> str:
    base = bases.get(str(dig(entry, "Image")))
    return str(dig(record_of(entry, base, desired.names), "replaces.id") or "")


def _is_others(desired: Desired, entry: Inspect, bases: Bases) -> bool:
    base = bases.get(str(entry["Image"]))
    return is_foreign(entry, base, record_of(entry, base, desired.names))
