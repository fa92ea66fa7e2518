# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Volumes that come with a container, and that stay when it goes. Loaded only for a change.

Engines refuse a network that is not there, and make a volume: a misspelt name is one of them. The
volumes that have no name are handed over to a replacement, as far as it has their places.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Mapping, Sequence, Tuple

from ..._desired.planned import Pending, will_go
from ..._desired.steps import Step
from ..._desired.values import dig
from ..client.engine import Client
from ..client.errors import EngineError
from .desired import Desired
from .fields.mounts import anonymous
from .inspected import Inspect
from .observed import Observed


def with_volumes(
    client: Client, desired: Desired, observed: Observed, pending: Pending
) -> Observed:
    """Add the named volumes that are not there, but for those that an earlier task would make."""
    names = [name for name in _named(desired.declared) if not _comes(pending, name)]
    answers = client.get_all([(f"/volumes/{name}", None) for name in names])
    for answer in answers:
        if isinstance(answer, EngineError) and answer.status != 404:
            raise answer
    gone = (
        isinstance(entry, EngineError) or entry.get("Name") != n for n, entry in zip(names, answers)
    )
    result = tuple(
        name for name, missing in zip(names, gone) if missing or will_go(pending, f"volume/{name}")
    )
    return replace(observed, new_volumes=result)


def notes(observed: Observed) -> Tuple[str, ...]:
    """Say which volumes come into being beside the container."""
    return tuple(f"volume/{name}: not there; made empty with it" for name in observed.new_volumes)


def _named(declared: Mapping[str, Any]) -> Tuple[str, ...]:
    mounts = (declared.get("volumes") or {}).values()
    names = (
        str(entry["source"])
        for entry in mounts
        if entry["type"] == "volume" and entry.get("source")
    )
    return tuple(dict.fromkeys(names))


def _comes(pending: Pending, name: str) -> bool:
    address = f"volume/{name}"
    return address in pending and not will_go(pending, address)


def carried_over(desired: Desired, base: Mapping[str, Any], replaced: Inspect) -> Dict[str, str]:
    """Return the anonymous volumes whose data goes on in the new container, by target.

    `base` is the configuration of the new one's image.
    """
    mounts = desired.declared.get("volumes") or {}
    keep = {
        target
        for target, mount in mounts.items()
        if mount["type"] == "volume" and not mount.get("source")
    }
    keep |= {target for target in base.get("Volumes") or () if target not in mounts}
    return {target: name for target, name in anonymous(replaced) if target in keep}


def left_behind(desired: Desired, observed: Observed, steps: Sequence[Step]) -> List[str]:
    """Say which volumes without a name stay on the engine, and no container has them then."""
    current = observed.current or {}
    ident = str(current.get("Id"))
    ends = [step for step in steps if ident in (step.args.get("id"), step.args.get("replaces"))]
    verbs = {step.verb for step in ends if not step.maybe}
    if "create" in verbs:
        if observed.image is None or "image" in observed.unknown:
            return []  # which volumes the image will ask for is unknown
        kept = carried_over(desired, dig(observed.image, "Config") or {}, current)
    elif desired.state == "absent" and "remove" in verbs and not desired.remove_volumes:
        kept = {}
    else:
        return []
    mounts = (
        m for entry in observed.others if entry["Id"] != ident for m in entry.get("Mounts") or ()
    )
    stay = {*kept.values(), *(mount.get("Name") for mount in mounts)}
    targets = sorted(target for target, name in anonymous(current) if name not in stay)
    if not targets or dig(current, "HostConfig.AutoRemove"):
        return []  # the engine removes them with the container
    what = f"without a name at {', '.join(targets)} will be in no container, and"
    text = f"the volume {what} stays" if len(targets) == 1 else f"volumes {what} stay"
    return [f"{text} with the data; prune with volumes: true removes such"]
