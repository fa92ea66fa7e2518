# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The container as a resource: declared against observed. Nothing here mutates.

What only a change needs is imported when there is one: a no-op on a target must not pay for it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Mapping, Optional, Tuple

from ..._desired.fields import FieldSpec
from ..._desired.ownership import fingerprint
from ..._desired.plan import Plan
from ..._desired.resource import Resource
from ..._desired.values import MASK, dig
from .compare import Difference, compare, will_pull
from .desired import Desired, desired_of, spec
from .fields import declared_subjects, rows
from .fields.process import split_env
from .inspected import bare_name, runs, secrets_on_record
from .observe import observe as look
from .observed import Observed

if TYPE_CHECKING:
    from ..._desired.planned import Pending
    from ..._desired.steps import Step
    from ..._desired.work import Verbs


class Container(Resource):
    """The resource `container` (see `_desired.run.Resource`)."""

    name = "container"
    server = "engine"
    reveals = ("pull",)
    looks = ("wait",)

    @property
    def verbs(self) -> Verbs:
        """The mutations by verb."""
        from .verbs import VERBS

        return VERBS

    def spec(self) -> Dict[str, Any]:
        """Return the argument spec, without the options of the connection."""
        return spec()

    def desired(self, params: Mapping[str, Any]) -> Desired:
        """Return the declared container; raise InvalidOption for what cannot be right."""
        return desired_of(params)

    def observe(self, client: Any, desired: Desired, pending: Pending, settled: bool) -> Observed:
        """Take a snapshot of the container, its image and what it refers to."""
        if client is None:
            from .planned import unreachable

            return unreachable(desired, pending)
        return look(client, desired, pending, settled)

    def compare(self, desired: Desired, observed: Observed) -> Difference:
        """Return what differs from the declared container."""
        return compare(desired, observed)

    def survey(
        self,
        client: Any,
        desired: Desired,
        observed: Observed,
        difference: Difference,
        pending: Pending,
    ) -> Observed:
        """Look at volumes and all other containers if one is to be made or removed."""
        makes = desired.state != "absent" and (observed.current is None or difference.replaces)
        removes = desired.state == "absent" and observed.current is not None
        if not (makes or removes or observed.fresh is not None or observed.old is not None):
            return observed
        from .leftovers import with_beside

        return with_beside(client, desired, observed, pending, makes)

    def plan(self, desired: Desired, observed: Observed, difference: Difference) -> Plan:
        """Return the steps from the snapshot to the declared state, recovery first."""
        if desired.networks or desired.peers:
            from .references import require_references

            require_references(desired, observed)
        notes: Tuple[str, ...] = ()
        if observed.unknown or observed.new_volumes or observed.apart or difference.changes:
            from .notes import notes_of

            notes = notes_of(desired, observed, difference)
        if _is_as_declared(desired, observed, difference):
            return Plan(notes=notes, fingerprint=_fingerprint(observed))
        from .plan import plan_of

        plan = plan_of(desired, observed, difference)
        return replace(plan, notes=(*notes, *plan.notes), fingerprint=_fingerprint(observed))

    def declares(self, desired: Desired) -> Tuple[Iterable[FieldSpec], Mapping[str, Any]]:
        """Return the rows and the values that a creation names."""
        return rows(declared_subjects(desired.declared)), desired.declared

    def recover(self, desired: Desired, observed: Observed, begun: List[Step]) -> Plan:
        """Plan the recovery after a failure: the old one, or nothing, as it was before."""
        from .recover import plan_recovery

        return plan_recovery(desired, observed, begun)

    def identity(self, observed: Observed) -> str:
        """Return the id of the container that has the name, "" for none."""
        return str(dig(observed.current, "Id") or "")

    def present(self, observed: Observed) -> Optional[Dict[str, Any]]:
        """Return the container as the engine describes it, secret values masked."""
        if observed.current is None:
            return None
        return masked(observed.current, observed.hidden)


def _is_as_declared(desired: Desired, observed: Observed, difference: Difference) -> bool:
    """Tell whether there is nothing to do, without what only a change needs."""
    if observed.current is not None and bare_name(observed.current) != desired.name:
        return False
    if observed.fresh is not None or observed.old is not None or desired.recreate == "always":
        return False
    if desired.state == "absent" or observed.current is None:
        coming = "container" in observed.unknown
        return desired.state == "absent" and observed.current is None and not coming
    if not _is_settled(observed.current, desired):
        return False
    if (desired.force_restart or desired.send_signal) and runs(observed.current):
        return False
    looks = desired.reference and not observed.settled and "image" not in observed.unknown
    return not difference.changes and not (looks and will_pull(desired, observed))


def _is_settled(container: Mapping[str, Any], desired: Desired) -> bool:
    simple = dig(container, "State.Status") == "running" and desired.state == "started"
    if simple and desired.wait in ("none", "started"):
        return True
    from .state import is_settled

    return is_settled(container, desired.state, desired.wait)


def masked(container: Mapping[str, Any], hidden: Any) -> Dict[str, Any]:
    """Return an inspected container with secret environment values masked: those of `hidden` keys,
    and whoever made it, whatever it is called now, those that its record calls secret.
    """
    hidden = {*hidden, *secrets_on_record(container)}
    env = split_env(dig(container, "Config.Env"))
    shown = [
        f"{key}={MASK}" if key in hidden else key if value is None else f"{key}={value}"
        for key, value in env.items()
    ]
    return {**container, "Config": {**container["Config"], "Env": shown}}


def _fingerprint(observed: Observed) -> str:
    """Digest what the plan rests on; a container's settings cannot change without its id or
    its host configuration changing."""
    parts = [dig(observed.image, "Id")]
    for entry in (observed.current, observed.fresh, observed.old):
        parts += [dig(entry, "Id"), dig(entry, "Name"), dig(entry, "State.Running")]
        parts += [dig(entry, "HostConfig"), sorted(dig(entry, "NetworkSettings.Networks") or ())]
    return fingerprint(parts)


CONTAINER = Container()
