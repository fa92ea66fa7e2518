# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a stack has to be done before what: networks before their containers, and so on."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence, Set, Tuple

from ..._desired.part import Part
from .desired import Desired
from .order import dependencies
from .replicas import by_service

# What a step of a container may be before others have come up: nothing runs or ends by it.
_QUIET = ("pull", "create")


def needs_of(
    desired: Desired, parts: Sequence[Part]
) -> Dict[str, List[Tuple[str, Tuple[str, ...]]]]:
    """Return by address the addresses that have to be done before, each with the verbs of steps
    that need not wait for it."""
    by_address = {part.address: part for part in parts}
    result: Dict[str, List[Tuple[str, Tuple[str, ...]]]] = {}
    removed = [part.address for part in parts if _goes(part, "container")]
    for part in parts:
        kind = part.resource.name
        if _goes(part, "network") or _goes(part, "volume"):
            result[part.address] = [(address, ()) for address in removed]
        elif kind == "image" and part.desired.build is not None:
            bases = [f"image/{base}" for base in part.desired.build.bases]
            result[part.address] = [(base, ()) for base in bases if base in by_address]
        elif kind == "container":
            goes = _goes(part, "container")
            needed = _dependents(part) if goes else _needed_by(part.desired)
            result[part.address] = [(at, ()) for at in sorted(needed) if at in by_address]
            result[part.address] += [(at, _QUIET) for at in getattr(part.desired, "turns", ())]
    _add_dependencies(desired, by_address, result)
    if desired.has_updates:
        from .update import rollings

        for rolling in rollings(desired.services, parts).values():
            for before, batch in zip(rolling.batches, rolling.batches[1:]):
                for part in batch:
                    result[part.address] += [(entry.address, ()) for entry in before]
    return result


def _goes(part: Part, kind: str) -> bool:
    return part.resource.name == kind and part.desired.state == "absent"


def _dependents(part: Part) -> Set[str]:
    """Return the addresses of the containers that use the namespaces of one that goes."""
    return {f"container/{entry.name}" for entry in getattr(part.observed, "dependents", ())}


def _needed_by(container: Any) -> Set[str]:
    """Return the addresses that a container cannot be created without."""
    mounts = container.declared.get("volumes") or {}
    volumes = [str((mount or {}).get("source")) for mount in mounts.values()]
    return {
        *(f"network/{name}" for name in container.networks),
        *(f"volume/{name}" for name in volumes),
        *(f"container/{name}" for name in container.peers),
    }


def _add_dependencies(
    desired: Desired,
    by_address: Mapping[str, Part],
    result: Dict[str, List[Tuple[str, Tuple[str, ...]]]],
) -> None:
    """Add that a service starts when those that it depends on are up."""
    replicas = {
        service: [part.address for part in members]
        for service, members in by_service(list(by_address.values())).items()
    }
    for service, entry in desired.services.items():
        for other in dependencies(entry):
            for address in replicas.get(service, ()):
                known = [name for name, _quiet in result.setdefault(address, [])]
                result[address] += [
                    (name, _QUIET) for name in replicas.get(other, ()) if name not in known
                ]
