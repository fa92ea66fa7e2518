# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The resource `run`: a container that runs to its end. A run that is killed leaves its container;
the next one awaits it if it goes on as declared, and removes what has ended.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from ..._desired.errors import InvalidOption
from ..._desired.fields import FieldSpec
from ..._desired.ownership import fingerprint
from ..._desired.plan import Plan
from ..._desired.planned import Pending
from ..._desired.resource import Resource
from ..._desired.schema import check_supported, for_kind
from ..._desired.steps import Cause, Chain, Step
from ..._desired.values import dig
from ..._desired.work import Verbs
from ..container.checks import before_creation
from ..container.compare import changes_of, context_of
from ..container.fields import FIELDS, declared_subjects, rows
from ..container.inspected import record_of, runs
from ..container.leftovers import with_others
from ..container.observe import observe
from ..container.observed import Observed
from ..container.others import others_of
from ..container.plan import later_networks, pull
from ..container.planned import unreachable
from ..container.references import require_references
from ..container.resource import masked
from ..container.volumes import notes as volume_notes
from ..container.volumes import with_volumes
from .desired import Job, job, spec

GOES_ON = "an earlier run of this job is still going on"
LEFT = "an earlier run left it"


class Jobs(Resource):
    """Jobs as the desired-state engine sees them (`_desired/run.py`, Resource)."""

    name = "container"
    server = "engine"
    reveals = ("pull",)
    # A job may run for hours: others need not wait for it.
    exclusive = False

    @property
    def verbs(self) -> Verbs:
        """The mutations by verb."""
        from .verbs import VERBS

        return VERBS

    def spec(self) -> Dict[str, Any]:
        """Return the argument spec, without the options of the connection."""
        return spec()

    def desired(self, params: Mapping[str, Any]) -> Job:
        """Return the declared job; raise InvalidOption for what cannot be right."""
        return job(params)

    def observe(self, client: Any, desired: Job, pending: Pending, settled: bool) -> Observed:
        """Look for the image, what the job refers to, and what an earlier run left."""
        if client is None:
            return unreachable(desired, pending)
        observed = with_others(client, observe(client, desired, pending, settled), pending)
        return observed if settled else with_volumes(client, desired, observed, pending)

    def plan(self, desired: Job, observed: Observed, difference: Any) -> Plan:
        """Return the steps of one run."""
        declared = desired
        require_references(declared, observed)
        chain = Chain(desired.address)
        if observed.current is not None and runs(_own(desired, observed)):
            _go_on(chain, desired, observed)
        else:
            if observed.current is not None:
                _remove(chain, desired, observed.current, LEFT)
            _begin(chain, desired, observed)
            before_creation(declared, observed, chain.steps)
        unknown = (f"{what}: {cause}" for what, cause in observed.unknown.items())
        notes = (*unknown, *volume_notes(observed))
        seen = [
            dig(observed.image, "Id"),
            dig(observed.current, "Id"),
            dig(observed.current, "State"),
        ]
        steps = tuple(chain.steps)
        others = others_of(desired.address, steps)
        return Plan(steps, notes, fingerprint=fingerprint(seen), others=others)

    def declares(self, desired: Job) -> Tuple[Iterable[FieldSpec], Mapping[str, Any]]:
        """Return the rows and the values that a creation names."""
        return rows(declared_subjects(desired.declared)), desired.declared

    def recover(self, desired: Job, observed: Observed, begun: List[Step]) -> Plan:
        """Remove a job that has ended or never began; one that runs is left to the next run."""
        chain = Chain(desired.address)
        if _is_job(desired, observed) and desired.cleanup and not runs(observed.current or {}):
            _remove(chain, desired, observed.current or {}, "the run has failed")
        return Plan(tuple(chain.steps))

    def present(self, observed: Observed) -> Optional[Dict[str, Any]]:
        """Return the job's container as the engine describes it, if it was kept."""
        return None if observed.current is None else masked(observed.current, observed.hidden)

    def outcome(self, desired: Job, plan: Plan, before: Observed, foreseen: bool) -> Dict[str, Any]:
        """Return what the result says beside the plan."""
        return {"msg": "the job would run"} if foreseen else {}


def _is_job(desired: Job, observed: Observed) -> bool:
    """Tell whether the container of the job's name is one that a run made."""
    return bool(record_of(observed.current, observed.base, desired.names).get("job"))


def _own(desired: Job, observed: Observed) -> Mapping[str, Any]:
    """Return the container that an earlier run left; InvalidOption if it is foreign."""
    if not _is_job(desired, observed):
        raise InvalidOption(
            f"there is a container {desired.name} that is not a job",
            option="name",
            hint="give the job another name",
        )
    return observed.current or {}


def _go_on(chain: Chain, desired: Job, observed: Observed) -> None:
    """Await a run that goes on, if it is what is declared."""
    changes = [change.words() for change in changes_of(desired, observed)]
    if changes:
        text = f"an earlier run of {desired.name} is still going on, and is another"
        raise InvalidOption(
            f"{text}: {'; '.join(changes)}",
            option="name",
            hint="wait for its end, stop it, or give this job another name",
        )
    chain.add("wait", GOES_ON, on=desired.name, id=str(dig(observed.current, "Id")))
    if desired.cleanup:
        _remove(chain, desired, observed.current or {}, GOES_ON)


def _begin(chain: Chain, desired: Job, observed: Observed) -> None:
    declared, name, cause = desired, desired.name, desired.words()
    if "image" not in observed.unknown and not observed.settled:
        pull(chain, declared, observed)
    if "engine" not in observed.unknown:
        base = dig(observed.image, "Config") or {}
        check_supported(for_kind(FIELDS, observed.kind), context_of(declared, observed, base))
    chain.add("create", cause, on=name)
    for network in later_networks(declared, observed.api):
        chain.add("connect", cause, on=name, to=network)
    chain.add("start", cause, on=name)
    chain.add("wait", cause, on=name)
    if desired.cleanup:
        chain.add("remove", cause, on=name, volumes="own")


def _remove(chain: Chain, desired: Job, container: Mapping[str, Any], cause: Cause) -> None:
    ident = str(container["Id"])
    chain.add("remove", cause, on=desired.name, id=ident, volumes="own")


JOB = Jobs()
