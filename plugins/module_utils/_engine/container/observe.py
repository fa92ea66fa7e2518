# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look at a container, its leftovers, its image and what it refers to. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Mapping, Optional, Tuple

from ..._desired.errors import FleetError
from ..client.engine import Client
from .desired import Desired
from .inspected import Inspect, bare_name
from .observed import Observed
from .reads import ASIDE, Request, ask, bases_of

if TYPE_CHECKING:
    from ..._desired.planned import Pending

# How often to look until nothing is renamed in the meantime.
_LOOKS = 5


def observe(client: Client, desired: Desired, pending: Pending, settled: bool) -> Observed:
    """Take a snapshot with reads only, pipelined: one round trip when nothing is to be done.

    Another run may rename between two reads what this one looks at: then it looks again.
    """
    for _attempt in range(_LOOKS):
        observed = _look(client, desired, pending, settled)
        ids = [
            entry["Id"]
            for entry in (observed.current, observed.fresh, observed.old)
            if entry is not None
        ]
        renamed = observed.fresh is not None and bare_name(observed.fresh) in desired.names
        if not renamed and len(ids) == len(set(ids)):
            return observed
    raise FleetError(
        "another run, or somebody else, is replacing it right now",
        address=desired.address,
        hint="run again when that is finished",
    )


def _requests(desired: Desired) -> Dict[str, Request]:
    requests: Dict[str, Request] = {
        f"current {desired.name}": (f"/containers/{desired.name}/json", None),
        "leftovers": ASIDE,
    }
    if desired.reference:
        requests["image"] = (f"/images/{desired.reference}/json", None)
    for network in desired.networks:
        requests[f"network {network}"] = (f"/networks/{network}", None)
    for peer in desired.peers:
        requests[f"peer {peer}"] = (f"/containers/{peer}/json", None)
    return requests


def _look(client: Client, desired: Desired, pending: Pending, settled: bool) -> Observed:
    got = ask(client, _requests(desired))
    current, image = got[f"current {desired.name}"], got.get("image")
    observed = Observed(
        current=current,
        image=image,
        bases=bases_of(client, (current,), image),
        remote=_remote(client, desired, image, settled),
        networks=_ids("network", desired.networks, got),
        peers=_ids("peer", desired.peers, got),
        nets=dict(_seen("network", desired.networks, got)),
        api=client.api,
        kind=client.kind,
        hidden=frozenset(desired.declared.get("secret_environment") or ()),
        settled=settled,
    )
    if got["leftovers"]:
        from .leftovers import with_left

        observed = with_left(client, desired, observed, got["leftovers"])
    if pending:
        from .planned import with_planned

        observed = with_planned(client, desired, observed, pending)
    if desired.moved_from:
        from .rename import look

        observed = look(client, desired, observed, pending)
    return observed


def _seen(word: str, names: Iterable[str], got: Mapping[str, Any]) -> List[Tuple[str, Any]]:
    """Return what is there of some names, each with its name."""
    answers = ((name, got[f"{word} {name}"]) for name in names)
    return [(name, entry) for name, entry in answers if entry is not None]


def _ids(word: str, names: Iterable[str], got: Mapping[str, Any]) -> Dict[str, str]:
    return {name: str(entry["Id"]) for name, entry in _seen(word, names, got)}


def _remote(client: Client, desired: Desired, image: Optional[Inspect], settled: bool) -> Any:
    """Ask the registry if it is time to; a digest cannot change."""
    if desired.pull_policy in ("missing", "never") or not desired.reference or settled:
        return None
    from ..image.pull import ask_registry
    from ..image.pull_policy import policy_now

    if policy_now(desired.pull_policy, image) != "always":
        return None
    return ask_registry(client, desired.reference)
