# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The volume as a resource: declared against observed, and its two mutations.

The engine answers the creation of an existing volume with success, and leaves it as it was
(all versions): so what is there is looked at first, and again afterwards.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Mapping, Optional, Tuple

from ..._desired import ownership
from ..._desired.diff import diff
from ..._desired.errors import InvalidOption
from ..._desired.fields import Context, FieldSpec, Scope
from ..._desired.plan import Plan
from ..._desired.planned import Pending, address_then, will_be, will_change, will_go
from ..._desired.resource import Resource
from ..._desired.schema import for_kind, observed_values
from ..client.engine import Client
from ..client.errors import EngineError
from ..client.names import meant
from .desired import Desired, desired_of, spec
from .fields import FIELDS
from .observed import Inspect, Observed, is_foreign, masked, record_of
from .verbs import create, remove

if TYPE_CHECKING:
    from ..._desired.steps import Change, Step
    from ..._desired.work import Verbs


HALF = (
    "an earlier restore into it was interrupted, so it may hold only part of an archive; name the "
    "archive under restore again, or remove it with state: absent and destroy: {}"
)


def helpers_of(volume: str) -> Dict[str, Any]:
    """Return the query for the helper containers of a volume, mostly none."""
    return {"all": True, "filters": {"label": [f"dockyard.fleet.helper=volume/{volume}"]}}


class Volume(Resource):
    """The resource `volume` (see `_desired.run.Resource`)."""

    name = "volume"
    server = "engine"
    reveals = ("backup", "restore_if_empty")

    @property
    def verbs(self) -> Verbs:
        """The mutations by verb."""
        from .archive import backup, mark_incomplete, remove_helper, restore, restore_if_empty

        return {
            "backup": backup,
            "create": create,
            "mark_incomplete": mark_incomplete,
            "remove": remove,
            "remove_helper": remove_helper,
            "restore": restore,
            "restore_if_empty": restore_if_empty,
        }

    def spec(self) -> Dict[str, Any]:
        """Return the argument spec, without the options of the connection."""
        return spec()

    def desired(self, params: Mapping[str, Any]) -> Desired:
        """Return the declared volume; raise InvalidOption for what cannot be right."""
        return desired_of(params)

    def observe(
        self, client: Optional[Client], desired: Desired, pending: Pending, settled: bool
    ) -> Observed:
        """Take a snapshot of the volume."""
        if client is None:
            return Observed(unknown={"engine": pending["engine"].text})
        asked, listed = client.get_all(
            [(f"/volumes/{desired.name}", None), ("/containers/json", helpers_of(desired.name))]
        )
        answer = meant("volume", desired.name, asked)
        if will_go(pending, desired.address):
            answer = None
        coming = will_be(pending, desired.address)
        unknown = {"volume": coming} if coming else {}
        observed = Observed(answer, kind=client.kind, unknown=unknown, settled=settled)
        if answer is not None and listed and desired.state != "absent" and not desired.restore:
            observed = replace(observed, half=_is_half(client, answer, listed))
        return observed

    def compare(self, desired: Desired, observed: Observed) -> List[Change]:
        """Return what differs from the declared volume."""
        return changes_of(desired, observed)

    def survey(
        self,
        client: Client,
        desired: Desired,
        observed: Observed,
        difference: List[Change],
        pending: Pending,
    ) -> Observed:
        """Look at containers, and into an archive, only if there may be something to do."""
        if not _calls(desired, observed, difference):
            return observed
        observed = _with_users(client, desired, observed, pending)
        return _with_archive(desired, observed) if desired.restore else observed

    def plan(self, desired: Desired, observed: Observed, difference: List[Change]) -> Plan:
        """Return the steps from the snapshot to the declared state."""
        planned = ownership.fingerprint([observed.current, observed.users])
        if desired.external:
            if observed.current is None and not observed.unknown:
                raise InvalidOption(
                    f"the volume {desired.name} does not exist",
                    option="external",
                    hint="create it first",
                )
            if not desired.backup:
                return Plan(fingerprint=planned)
        if observed.half:
            return Plan(refused=(HALF.format(desired.name),), fingerprint=planned)
        if not _calls(desired, observed, difference):
            return Plan(fingerprint=planned)
        from .plan import refusals, steps_of

        steps = tuple(steps_of(desired, observed, difference))
        return Plan(steps, (), (), tuple(refusals(desired, observed, steps)), planned)

    def declares(self, desired: Desired) -> Tuple[Iterable[FieldSpec], Mapping[str, Any]]:
        """Return the rows and the values that a creation names."""
        return FIELDS, desired.declared

    def recover(self, desired: Desired, observed: Observed, begun: List[Step]) -> Plan:
        """Remove what this run has made to restore into; else the next run takes it as it is."""
        if not desired.restore or not any(step.verb == "create" for step in begun):
            return Plan()
        from .plan import plan_recovery

        return Plan(tuple(plan_recovery(desired, observed)))

    def present(self, observed: Observed) -> Optional[Dict[str, Any]]:
        """Return the volume as the engine describes it, secret values masked; None if not there."""
        return None if observed.current is None else masked(observed.current)


def _is_half(client: Client, volume: Inspect, listed: Any) -> bool:
    """Tell if helpers are there that tell of a restore which has not come to its end."""
    from .helpers import ANEW, RESTORE, helper_name, helpers

    if isinstance(listed, EngineError):
        raise listed
    name = str(volume["Name"])
    present = helpers(client, name, listed)
    begun = helper_name(ANEW, name) in present and bool(record_of(volume).get("restored"))
    return begun or helper_name(RESTORE, name) in present


def changes_of(desired: Desired, observed: Observed) -> List[Change]:
    """Return what differs between the volume that is there and the declared one."""
    if observed.current is None or desired.external or desired.state == "absent":
        return []
    context = Context(desired.declared, {}, record_of(observed.current), (0, 0), observed.kind)
    fields = for_kind(FIELDS, observed.kind)
    scope = Scope(not is_foreign(observed.current), ignore=desired.ignore)
    return diff(fields, context, observed_values(fields, observed.current, context), scope)


def _calls(desired: Desired, observed: Observed, changes: List[Change]) -> bool:
    """Tell whether there may be something to do."""
    if desired.state == "absent":
        return observed.current is not None or "volume" in observed.unknown
    missing = observed.current is None and not desired.external
    return missing or bool(desired.backup or desired.restore or changes)


def _with_archive(desired: Desired, observed: Observed) -> Observed:
    """Add the digest of what may be restored; raise FleetError if it cannot be."""
    from .archive import digest_of
    from .helpers import ANEW, helper_name
    from .tar import check_whole

    begun = helper_name(ANEW, desired.name) in observed.helpers
    if observed.current is not None and not desired.destroys and not begun:
        return observed
    check_whole(desired.restore)
    return replace(observed, archive=digest_of(desired.restore))


def _with_users(client: Client, desired: Desired, observed: Observed, pending: Pending) -> Observed:
    """Add who mounts it, but for whom an earlier task of this check changes or removes."""
    from .helpers import LABEL, helpers

    asked = ({"volume": [desired.name]}, {"label": [f"{LABEL}={desired.address}"]})
    lists = client.get_all(
        [("/containers/json", {"all": True, "filters": entry}) for entry in asked]
    )
    for answer in lists:
        if isinstance(answer, EngineError):
            raise answer
    containers = {str(entry["Names"][0]).lstrip("/"): entry for answer in lists for entry in answer}
    known = helpers(client, desired.name, list(containers.values()))
    users = [
        address_then(pending, f"container/{name}").partition("/")[2]
        for name, entry in containers.items()
        # The filter takes a path inside the container as well.
        if name not in known
        and not will_change(pending, f"container/{name}")
        and any(mount.get("Name") == desired.name for mount in entry.get("Mounts") or ())
    ]
    return replace(observed, users=tuple(sorted(users)), helpers=known)


VOLUME = Volume()
