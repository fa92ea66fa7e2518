# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renaming a container instead of making another (`moved_from`). Loaded only for that.

Labels cannot change, so the record of a renamed container keeps the old name as its address: it
counts as long as the task says `moved_from`, until a replacement writes a record of its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import List, Sequence

from ..._desired.errors import InvalidOption
from ..._desired.planned import Pending
from ..._desired.steps import Chain, Step
from ..client.engine import Client
from .desired import Desired
from .inspected import bare_name
from .leftovers import aside_of
from .observed import Observed
from .reads import ASIDE, bases_of
from .target import find_then


def look(client: Client, desired: Desired, observed: Observed, pending: Pending) -> Observed:
    """Return the snapshot with the container of the old name as the current one, if it is there.

    Raise InvalidOption if both names are taken, or a replacement under the old one is unfinished.
    """
    old = desired.moved_from
    moved = find_then(client, old, pending)
    if moved is None:
        return observed
    there = [
        entry for entry in (observed.current, observed.fresh, observed.old) if entry is not None
    ]
    if there:
        raise InvalidOption(
            f"there are both {old} and {bare_name(there[0])}",
            option="moved_from",
            hint="remove one of the two, or leave moved_from out",
        )
    left = _unfinished(client, old)
    if left:
        raise InvalidOption(
            f"a replacement of {old} was interrupted and left {', '.join(left)}",
            option="moved_from",
            hint=f"run the task once more under the name {old}, which finishes it",
        )
    bases = {**observed.bases, **bases_of(client, (moved,), observed.image)}
    return replace(observed, current=moved, bases=bases)


def _unfinished(client: Client, name: str) -> List[str]:
    left = aside_of(name, client.get(*ASIDE) or ())
    return sorted(str(entry["Names"][0]).lstrip("/") for entry in left)


def move(chain: Chain, desired: Desired, observed: Observed) -> Observed:
    """Add the rename if the current container has its old name yet."""
    current = observed.current
    if current is None or bare_name(current) == desired.name:
        return observed
    ident, old = str(current["Id"]), desired.moved_from
    args = {"on": old, "to": desired.name, "id": ident}
    was = f"container/{old}"
    chain.add("rename", f"moved_from: {old}", "live", args=args, effect="rename", same_as=was)
    return replace(observed, current={**current, "Name": f"/{desired.name}"})


def recover_name(chain: Chain, desired: Desired, observed: Observed, begun: Sequence[Step]) -> None:
    """Give a container its old name back, if the failed plan has renamed it."""
    current = observed.current
    if current is None or bare_name(current) != desired.name:
        return
    ident = str(current["Id"])
    if any(
        step.args.get("on") == desired.moved_from and step.args["id"] == ident for step in begun
    ):
        args = {"on": desired.name, "to": desired.moved_from, "id": ident}
        chain.add("rename", "it did not come up", args=args)
