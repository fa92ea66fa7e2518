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
from ..._desired.schema import check_supported, for_kind, observed
from .desired import Desired, desired_of, spec
from .fields import FIELDS
from .observed import Found, is_foreign, observe, record_of, with_users

if TYPE_CHECKING:
    from ..._desired.resource import Verb
    from ..._desired.steps import Change, Step


class Network:
    """The resource `network` (see `_desired.run.Resource`)."""

    name = "network"
    server = "engine"
    reveals = ()

    @property
    def verbs(self) -> Mapping[str, Verb]:
        """The mutations by verb."""
        from .verbs import VERBS

        return VERBS

    def spec(self) -> Dict[str, Any]:
        """Return the argument spec, without the options of the connection."""
        return spec()

    def desired(self, params: Mapping[str, Any]) -> Desired:
        """Return the declared network; raise InvalidOption for what cannot be right."""
        return desired_of(params)

    def observe(
        self, client: Any, desired: Desired, pending: Mapping[str, str], settled: bool
    ) -> Found:
        """Take a snapshot; look at containers only if there is something to do."""
        found = observe(client, desired, pending)
        idle = client is None or desired.external or not _calls(desired, found)
        return found if idle else with_users(client, found, pending)

    def plan(self, desired: Desired, found: Found) -> Plan:
        """Return the steps from the snapshot to the declared state, recovery first."""
        coming = found.unknown.get("network")
        notes = (f"{desired.name}: {coming}",) if coming else ()
        if found.twins:
            return Plan(refused=(_twins(desired, found),))
        if desired.external:
            _require(desired, found)
            return Plan(notes=notes, fingerprint=_mark(found))
        if not _calls(desired, found):
            return Plan(notes=notes, fingerprint=_mark(found))
        from .plan import refusals, steps_of

        changes = changes_of(desired, found)
        steps = steps_of(desired, found, changes)
        refused = refusals(desired, found, steps)
        return Plan(tuple(steps), notes, refused=tuple(refused), fingerprint=_mark(found))

    def declares(self, desired: Desired) -> Tuple[Iterable[FieldSpec], Mapping[str, Any]]:
        """Return the rows and the values that a creation names."""
        return FIELDS, desired.declared

    def recover(self, desired: Desired, found: Found, begun: List[Step]) -> Plan:
        """Return the way back after a failure: the old network with all that was connected."""
        from .plan import way_back

        return way_back(desired, found, begun)

    def present(self, found: Found) -> Optional[Dict[str, Any]]:
        """Return the network as the engine lists it, None if it is not there."""
        if found.current is None:
            return None
        # A list does not fill it in.
        return {key: value for key, value in found.current.items() if key != "Containers"}


def changes_of(desired: Desired, found: Found) -> List[Change]:
    """Return what differs between the network that is there and the declared one."""
    if found.current is None or desired.external or desired.state == "absent":
        return []
    record = record_of(found.current, desired.name)
    context = Context(desired.declared, {}, record, found.api, found.kind)
    fields = for_kind(FIELDS, found.kind)
    check_supported(fields, context)
    shown = found.current
    if found.kind == "podman":
        from .podman import as_docker

        shown = as_docker(shown, context)
    scope = Scope(not is_foreign(found.current, desired.name), ignore=desired.ignore)
    return diff(fields, context, observed(fields, shown, context), scope)


def _calls(desired: Desired, found: Found) -> bool:
    """Tell whether there is something to do."""
    if desired.state == "absent":
        return found.current is not None or bool(found.notes)
    return found.current is None or bool(found.notes) or bool(changes_of(desired, found))


def _twins(desired: Desired, found: Found) -> str:
    ids = ", ".join(str(one["Id"])[:12] for one in (found.current or {}, *found.twins))
    return f"several networks are named {desired.name} ({ids}); remove all but one by id"


def _require(desired: Desired, found: Found) -> None:
    if found.current is None and not found.unknown:
        raise InvalidOption(
            f"the network {desired.name} does not exist", option="external", hint="create it first"
        )


def _mark(found: Found) -> str:
    boxes = [one["Id"] for one in (*found.users, *found.missing)]
    return fingerprint([found.current, [note["Id"] for note in found.notes], boxes])


NETWORK = Network()
