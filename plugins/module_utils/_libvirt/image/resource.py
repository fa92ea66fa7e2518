# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vm_image resource: base images of machines, named by what they contain."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any, Dict, List, Mapping, Optional

from ..._desired.errors import FleetError
from ..._desired.ownership import fingerprint
from ..._desired.plan import Plan
from ..._desired.planned import REMOVAL, Pending
from ..._desired.resource import Resource
from ..._desired.steps import Chain, Step
from ..._desired.work import Verbs, Work
from ..client import storage
from .desired import Desired, desired_of, spec
from .files import belongs, remove
from .observed import Observed, observe


class VmImage(Resource):
    """Base images as the desired-state engine sees them (`_desired/run.py`, Resource)."""

    name = "vm_image"
    server = "libvirt"

    @property
    def verbs(self) -> Verbs:
        """The mutations by verb."""
        return {
            "download": _import,
            "import": _import,
            "remove_temporary": _remove_temporary,
            "remove": _remove,
        }

    def spec(self) -> Dict[str, Any]:
        """Return the argument spec, without the options of the connection."""
        return spec()

    def desired(self, params: Mapping[str, Any]) -> Desired:
        """Return the declared image; raise InvalidOption for what cannot be right."""
        return desired_of(params)

    def observe(self, client: Any, desired: Desired, pending: Pending, settled: bool) -> Observed:
        """Look at the pool, reading only; without a client everything is unknown."""
        return observe(client, desired, pending, settled)

    def plan(self, desired: Desired, observed: Observed, difference: Any) -> Plan:
        """Return what has to be done, with its causes."""
        absent = desired.state == "absent"
        plan = _plan_absent(desired, observed) if absent else _plan_present(desired, observed)
        seen = [observed.volume and observed.volume.name, sorted(observed.others), observed.users]
        return Plan(plan.steps, plan.notes, (), plan.refused, fingerprint(seen))

    def present(self, observed: Observed) -> Optional[Dict[str, Any]]:
        """Return the image for the task's result; None if it is or will be absent.

        In check mode an image that is not there yet is described as far as it is known, so that
        machines can be planned on its volume.
        """
        return public(observed)


def public(observed: Observed) -> Optional[Dict[str, Any]]:
    """Return what a user needs of an image: `virtual_size` in bytes, None before it is there."""
    if observed.checksum is None or observed.leaving:
        return None
    volume = f"{observed.stem}.qcow2"
    there = observed.volume
    foreseen = os.path.join(observed.folder, volume) if observed.folder else None
    return {
        "name": observed.name,
        "volume": volume,
        "path": there.path if there else foreseen,
        "pool": observed.pool,
        "checksum": str(observed.checksum),
        "virtual_size": there.capacity if there else None,
    }


def _plan_present(desired: Desired, observed: Observed) -> Plan:
    chain = Chain(desired.address)
    for part in observed.parts:
        if observed.volume is not None or not (observed.stem and belongs(part, observed.stem)):
            chain.add("remove_temporary", "left by an interrupted run", on=part)
    if observed.volume is not None:
        return Plan(tuple(chain.steps))
    verb = "import" if desired.path else "download"
    args = {"on": desired.source, "to": f"{observed.stem}.qcow2" if observed.stem else desired.name}
    effect = "change" if observed.others else "create"
    chain.add(verb, _cause(desired, observed), effect=effect, args=args)
    return Plan(tuple(chain.steps), tuple(_notes(desired)))


def _cause(desired: Desired, observed: Observed) -> str:
    for what, words in (("libvirt", "libvirt"), ("pool", f"the pool {desired.pool}")):
        if what in observed.unknown and not observed.folder:
            return f"waits for {words} ({observed.unknown[what]})"
    if not observed.stem:
        source = observed.unknown.get("checksum") or observed.unknown.get("path")
        return f"what it will be is known after apply ({source})"
    return "checksum changed" if observed.others else f"not in the pool {desired.pool}"


def _notes(desired: Desired) -> List[str]:
    file = desired.checksum.file if desired.checksum else ""
    if not file.startswith("http://"):
        return []
    return ["the checksum file comes over http, which anybody on the network path can change"]


def _plan_absent(desired: Desired, observed: Observed) -> Plan:
    steps: List[Step] = []
    refused: List[str] = []
    for name in sorted(observed.others):
        users = observed.users.get(name)
        if users:
            refused.append(f"{name} is the base of the {users}; remove that first")
        steps.append(_absent_step(desired, "remove", name, "destroy"))
    steps += [_absent_step(desired, "remove_temporary", part, "none") for part in observed.parts]
    if not observed.others and "image" in observed.unknown:
        # An earlier task of this check would bring it.
        step = _absent_step(desired, "remove", observed.stem or desired.name, "destroy")
        steps.append(replace(step, maybe=True))
    return Plan(tuple(steps), refused=tuple(refused))


def _absent_step(desired: Desired, verb: str, name: str, impact: str) -> Step:
    return Step(
        id=f"{verb}:{name}",
        address=desired.address,
        verb=verb,
        causes=(REMOVAL,),
        impact=impact,
        args={"on": name},
        effect="remove",
    )


# -- verbs ----------------------------------------------------------------------------------


def _import(work: Work, step: Step) -> bool:
    """Bring the image into its pool, and see to it that libvirt knows."""
    from .verbs import write_image

    observed: Observed = work.snapshot
    if observed.checksum is None:
        raise FleetError("what it should be is not known", address=step.address)
    path = write_image(work.desired, observed.checksum, observed.folder)
    # A miss refreshes the pool.
    if storage.find_volume(work.client, observed.pool, os.path.basename(path)) is None:
        raise FleetError(f"{path} is there, and libvirt does not see it", address=step.address)
    return True


def _remove_temporary(work: Work, step: Step) -> bool:
    """Remove a temporary file of ours."""
    remove(os.path.join(work.snapshot.folder, step.args["on"]))
    return True


def _remove(work: Work, step: Step) -> bool:
    """Delete a volume; False if it was gone already."""
    return storage.delete(work.client, work.snapshot.pool, step.args["on"])


VM_IMAGE = VmImage()
