# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The virtual machine as a resource: declared against observed. Nothing here mutates."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from ..._desired.fields import Context, FieldSpec
from ..._desired.ownership import fingerprint
from ..._desired.plan import Plan
from ..._desired.planned import Pending
from ..._desired.resource import Resource
from ..._desired.steps import Change, Step
from ..._desired.work import Verbs
from ..client.domain_xml import interfaces, mac_of
from ..disk.chain import Disk
from ..disk.entry import read_disk
from .compare import changes_of
from .desired import Desired, desired_of, spec
from .fields import FIELDS, home
from .interface_names import other_interfaces
from .observe import observe, unreachable
from .observed import Observed
from .plan import notes_of, refusals_of, steps_of
from .seed import public_keys

# Of cloud_init, which holds secrets, a plan names the keys.
_SHOWN = tuple(FieldSpec(row.name) if row.name == "cloud_init" else row for row in FIELDS)


class Machine(Resource):
    """The resource `vm` (see `_desired.run.Resource`)."""

    name = "vm"
    server = "libvirt"
    # Machines of one hypervisor are made side by side: the lock is a machine's own.
    lock_by = "name"

    @property
    def verbs(self) -> Verbs:
        """The mutations by verb."""
        from .verbs import VERBS

        return VERBS

    def spec(self) -> Dict[str, Any]:
        """Return the argument spec, without the options of the connection."""
        return spec()

    def desired(self, params: Mapping[str, Any]) -> Desired:
        """Return the declared machine; raise InvalidOption for what cannot be right."""
        return desired_of(params)

    def observe(self, client: Any, desired: Desired, pending: Pending, settled: bool) -> Observed:
        """Take a snapshot; without a client everything is unknown."""
        return (
            unreachable(desired, pending) if client is None else observe(client, desired, pending)
        )

    def compare(self, desired: Desired, observed: Observed) -> List[Change]:
        """Return what differs from the declared machine."""
        there = observed.config is not None and desired.state != "absent"
        return changes_of(desired, observed) if there else []

    def plan(self, desired: Desired, observed: Observed, difference: List[Change]) -> Plan:
        """Return the steps from the snapshot to the declared state."""
        steps, waiting = steps_of(desired, observed, difference)
        refused = refusals_of(desired, observed, difference, steps)
        notes = notes_of(desired, observed)
        return Plan(tuple(steps), notes, tuple(waiting), tuple(refused), _fingerprint(observed))

    def outcome(
        self, desired: Desired, plan: Plan, before: Observed, foreseen: bool
    ) -> Dict[str, Any]:
        """Warn of volumes that do not hold any more what they held."""
        if all(step.verb not in ("create_volume", "write_seed") for step in plan.steps):
            return {}
        from .missing_disks import losses

        lost = losses(desired, before)
        return {"warnings": lost} if lost else {}

    def declares(self, desired: Desired) -> Tuple[Iterable[FieldSpec], Mapping[str, Any]]:
        """Return the rows and the values that a creation names."""
        return _SHOWN, {**desired.declared, "cloud_init": tuple(desired.cloud_init or ()) or None}

    def recover(self, desired: Desired, observed: Observed, begun: List[Step]) -> Plan:
        """Return the way back after a failure."""
        from .recover import plan_recovery

        return plan_recovery(desired, observed, begun)

    def present(self, observed: Observed) -> Optional[Dict[str, Any]]:
        """Return what a user needs of a machine; sizes in bytes, None if there is none."""
        return public(observed)


def public(observed: Observed) -> Optional[Dict[str, Any]]:
    """Return a machine as results show it, without its seed."""
    if observed.config is None:
        return None
    view, context = observed.view(), Context({})
    read = {row.name: row.read(view, context) for row in FIELDS if row.read and not row.secret}
    read["disks"].update({name: _theirs(disk) for name, disk in observed.disks.others.items()})
    others = other_interfaces(observed.config)
    read["networks"].update({mac_of(entry): {"network": home(entry)} for entry in others})
    kind = str(observed.config.get("type"))
    cause = (
        "it was created that way, although KVM works here"
        if observed.kvm
        else "no usable KVM on this host"
    )
    reason = "" if kind == "kvm" else f"{cause}: it runs under emulation"
    return {
        "name": observed.config.findtext("name"),
        "uuid": observed.config.findtext("uuid"),
        "state": observed.state,
        "accelerator": {"kind": kind, "reason": reason},
        **read,
        "autostart": bool(observed.autostart),
        "macs": [mac_of(entry) for entry in interfaces(observed.config)],
        "address": observed.addresses[0] if observed.addresses else None,
        "addresses": list(observed.addresses),
        "ssh_host_keys": list(public_keys(observed.seed)),
    }


def _theirs(disk: Disk) -> Dict[str, Any]:
    """Return a disk that was attached by hand, with where it is."""
    return {**read_disk(disk, None), "source": disk.source}


def _fingerprint(observed: Observed) -> str:
    view = public(observed) or {}
    return fingerprint([view, sorted(observed.volumes), sorted(observed.networks), observed.state])


MACHINE = Machine()
