# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The resource `prune`: what nothing uses goes, one step for each thing."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Tuple

from ..._desired.ownership import fingerprint
from ..._desired.plan import Plan
from ..._desired.planned import Pending
from ..._desired.resource import Resource
from ..._desired.steps import Step
from ..._desired.work import Verbs, Work
from ..client.errors import EngineError
from .desired import KINDS, Desired, desired_of, spec
from .observed import Item, Observed, chosen, kept, observe, users

# Names of one note that are printed; the rest is a number.
_SHOWN = 10
_IMPACTS = {"container": "destroy", "image": "destroy", "volume": "destroy"}


class Prune(Resource):
    """Pruning as the desired-state engine sees it (`_desired/run.py`, Resource)."""

    name = "removed"
    server = "engine"

    @property
    def verbs(self) -> Verbs:
        """The mutations by verb."""
        return {"remove": _remove, "prune": _prune_cache}

    def spec(self) -> Dict[str, Any]:
        """Return the argument spec, without the options of the connection."""
        return spec()

    def desired(self, params: Mapping[str, Any]) -> Desired:
        """Return what is to go; raise InvalidOption for what cannot be right."""
        return desired_of(params)

    def observe(self, client: Any, desired: Desired, pending: Pending, settled: bool) -> Observed:
        """Take the engine's lists."""
        return observe(client, desired, pending)

    def plan(self, desired: Desired, observed: Observed, difference: Any) -> Plan:
        """Return one step for each thing that nothing uses; containers go before the rest."""
        steps: List[Step] = []
        containers: List[str] = []
        for item in chosen(desired, observed):
            step = _step(item, tuple(containers) if item.kind != "container" else ())
            steps.append(step)
            if item.kind == "container":
                containers.append(step.id)
        notes = []
        if observed.unknown:
            notes.append("what earlier tasks of this run leave behind is known after apply")
        stays = kept(desired, observed)
        if stays:
            notes.append(f"named volumes stay unless volumes names them: {_some(stays)}")
        refused = _refusals(desired, observed)
        planned = fingerprint([step.id for step in steps])
        return Plan(tuple(steps), tuple(notes), refused=refused, fingerprint=planned)

    def present(self, observed: Observed) -> Dict[str, List[str]]:
        """Return the shape of what was removed; outcome() fills it."""
        return {}

    def outcome(
        self, desired: Desired, plan: Plan, before: Observed, foreseen: bool
    ) -> Dict[str, Any]:
        """Return what was removed, or would be, by kind."""
        removed: Dict[str, List[str]] = {kind: [] for kind in KINDS if kind != "build_cache"}
        for step in plan.steps:
            if step.verb == "remove":
                kind, _slash, name = step.address.partition("/")
                removed[f"{kind}s"].append(name)
        return {"removed": removed}


def _some(names: List[str]) -> str:
    """Return names in words, those of many cut short."""
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _step(item: Item, needs: Tuple[str, ...]) -> Step:
    if item.kind == "build_cache":
        return Step("prune:cache", "build cache", "prune", (item.reason,), "none")
    address = f"{item.kind}/{item.name}"
    return Step(
        id=f"remove:{address}",
        address=address,
        verb="remove",
        causes=(item.reason,),
        impact=_IMPACTS.get(item.kind, "none"),
        needs=needs,
        args={"on": item.name, "ids": " ".join(item.ids)},
        effect="remove",
    )


def _refusals(desired: Desired, observed: Observed) -> Tuple[str, ...]:
    """Return why a volume that the task names cannot go."""
    going = {ident for item in chosen(desired, observed) for ident in item.ids}
    left = [container for container in observed.containers if container["Id"] not in going]
    used = {name: users(name, left) for name in desired.named}
    return tuple(
        f"volume {name}: it is used by {', '.join(who)}" for name, who in used.items() if who
    )


def _remove(work: Work, step: Step) -> bool:
    """Remove one thing; False if it was gone already. One that is used again is an error."""
    kind = step.address.partition("/")[0]
    useful = False
    for ident in step.args["ids"].split():
        try:
            useful |= work.client.discard(f"/{kind}s/{ident}")
        except EngineError as error:
            error.address = step.address
            raise
    return useful


def _prune_cache(work: Work, step: Step) -> bool:
    answer = work.client.post("/build/prune", {"all": True}) or {}
    work.shared["report"] = {"space_reclaimed": int(answer.get("SpaceReclaimed") or 0)}
    return True


PRUNE = Prune()
