# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network as a resource: declared against observed. Nothing here mutates.

What only a change needs is imported when there is one: a no-op on a target must not pay for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Mapping, Optional, Tuple

from ..._desired.diff import diff
from ..._desired.errors import InvalidOption
from ..._desired.fields import Context, FieldSpec, Scope
from ..._desired.ownership import fingerprint
from ..._desired.plan import Plan
from ..._desired.planned import Pending
from ..._desired.resource import Resource
from ..._desired.schema import check_supported, for_kind, observed_values
from .desired import Desired, desired_of, spec
from .fields import FIELDS
from .observed import Observed, is_foreign, observe, record_of, with_users

if TYPE_CHECKING:
    from ..._desired.steps import Change, Step
    from ..._desired.work import Verbs


class Network(Resource):
    """The resource `network` (see `_desired.run.Resource`)."""

    name = "network"
    server = "engine"

    @property
    def verbs(self) -> Verbs:
        """The mutations by verb."""
        from .verbs import VERBS

        return VERBS

    def spec(self) -> Dict[str, Any]:
        """Return the argument spec, without the options of the connection."""
        return spec()

    def desired(self, params: Mapping[str, Any]) -> Desired:
        """Return the declared network; raise InvalidOption for what cannot be right."""
        return desired_of(params)

    def observe(self, client: Any, desired: Desired, pending: Pending, settled: bool) -> Observed:
        """Take a snapshot of the networks."""
        return observe(client, desired, pending)

    def compare(self, desired: Desired, observed: Observed) -> List[Change]:
        """Return what differs from the declared network."""
        return changes_of(desired, observed)

    def survey(
        self,
        client: Any,
        desired: Desired,
        observed: Observed,
        difference: List[Change],
        pending: Pending,
    ) -> Observed:
        """Look at containers only if there is something to do."""
        idle = desired.external or not _calls(desired, observed, difference)
        return observed if idle else with_users(client, observed, pending)

    def plan(self, desired: Desired, observed: Observed, difference: List[Change]) -> Plan:
        """Return the steps from the snapshot to the declared state, recovery first."""
        coming = observed.unknown.get("network")
        notes = (f"{desired.name}: {coming}",) if coming else ()
        if observed.twins:
            return Plan(refused=(_twins(desired, observed),))
        if desired.external:
            _require(desired, observed)
            return Plan(notes=notes, fingerprint=_fingerprint(observed))
        if not _calls(desired, observed, difference):
            return Plan(notes=notes, fingerprint=_fingerprint(observed))
        from .plan import refusals, steps_of

        steps = steps_of(desired, observed, difference)
        refused = refusals(desired, observed, steps)
        return Plan(tuple(steps), notes, refused=tuple(refused), fingerprint=_fingerprint(observed))

    def declares(self, desired: Desired) -> Tuple[Iterable[FieldSpec], Mapping[str, Any]]:
        """Return the rows and the values that a creation names."""
        return FIELDS, desired.declared

    def recover(self, desired: Desired, observed: Observed, begun: List[Step]) -> Plan:
        """Return the way back after a failure: the old network with all that was connected."""
        from .plan import plan_recovery

        return plan_recovery(desired, observed, begun)

    def present(self, observed: Observed) -> Optional[Dict[str, Any]]:
        """Return the network as the engine lists it, None if it is not there."""
        if observed.current is None:
            return None
        # A list does not fill it in.
        return {key: value for key, value in observed.current.items() if key != "Containers"}


def changes_of(desired: Desired, observed: Observed) -> List[Change]:
    """Return what differs between the network that is there and the declared one."""
    if observed.current is None or desired.external or desired.state == "absent":
        return []
    record = record_of(observed.current, desired.name)
    context = Context(desired.declared, {}, record, observed.api, observed.kind)
    fields = for_kind(FIELDS, observed.kind)
    check_supported(fields, context)
    shown = observed.current
    if observed.kind == "podman":
        from .podman import as_docker

        shown = as_docker(shown, context)
    scope = Scope(not is_foreign(observed.current, desired.name), ignore=desired.ignore)
    return diff(fields, context, observed_values(fields, shown, context), scope)


def _calls(desired: Desired, observed: Observed, changes: List[Change]) -> bool:
    """Tell whether there is something to do."""
    if desired.state == "absent":
        there = observed.current is not None or bool(observed.notes)
        return there or observed.comes
    return observed.current is None or bool(observed.notes) or bool(changes)


def _twins(desired: Desired, observed: Observed) -> str:
    ids = ", ".join(str(entry["Id"])[:12] for entry in (observed.current or {}, *observed.twins))
    return f"several networks are named {desired.name} ({ids}); remove all but one by id"


def _require(desired: Desired, observed: Observed) -> None:
    if observed.current is None and not observed.comes and "engine" not in observed.unknown:
        raise InvalidOption(
            f"the network {desired.name} does not exist", option="external", hint="create it first"
        )


def _fingerprint(observed: Observed) -> str:
    containers = [entry["Id"] for entry in (*observed.users, *observed.missing)]
    return fingerprint([observed.current, [note["Id"] for note in observed.notes], containers])


NETWORK = Network()
