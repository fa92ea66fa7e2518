# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The resource `exec`: a command inside a running container."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, Mapping, Optional, Tuple

from ..._desired.errors import FleetError
from ..._desired.ownership import fingerprint
from ..._desired.plan import Plan
from ..._desired.planned import Pending
from ..._desired.resource import Resource
from ..._desired.steps import Step
from ..._desired.work import Verbs, Work
from ..client.container_archive import stat
from ..container.target import Target, about, look_at
from .desired import Desired, desired_of, spec


@dataclass(frozen=True)
class Observed:
    """The container, and which of the paths `creates` and `removes` are in it."""

    target: Target
    there: Tuple[str, ...] = ()


class Exec(Resource):
    """Commands as the desired-state engine sees them (`_desired/run.py`, Resource)."""

    name = "container"
    server = "engine"
    # A command may run for hours: others need not wait for it.
    exclusive = False

    @property
    def verbs(self) -> Verbs:
        """The mutations by verb."""
        return {"exec": _run}

    def spec(self) -> Dict[str, Any]:
        """Return the argument spec, without the options of the connection."""
        return spec()

    def desired(self, params: Mapping[str, Any]) -> Desired:
        """Return the declared command; raise InvalidOption for what cannot be right."""
        return desired_of(params)

    def observe(self, client: Any, desired: Desired, pending: Pending, settled: bool) -> Observed:
        """Look for the container and the paths that decide; only its archive is asked."""
        with about(desired.container):
            container = look_at(client, desired.container, pending)
            if settled or not container.id:
                return Observed(container)
            paths = [path for path in (desired.creates, desired.removes) if path]
            return Observed(
                container, tuple(path for path in paths if stat(client, container.id, path))
            )

    def plan(self, desired: Desired, observed: Observed, difference: Any) -> Plan:
        """Return the one step, or a note that tells why there is none."""
        note = _needless(desired, observed)
        if note:
            return Plan(notes=(note,), fingerprint=fingerprint(observed.there))
        notes = _ready(desired, observed.target)
        paths = {"creates": desired.creates, "removes": desired.removes}
        step = Step(
            id="exec",
            address=desired.address,
            verb="exec",
            causes=(f"command: {desired.words()}",),
            impact="live",
            args={"on": desired.container, **{key: path for key, path in paths.items() if path}},
        )
        return Plan((step,), notes, fingerprint=fingerprint(observed.there))

    def present(self, observed: Observed) -> Optional[Dict[str, Any]]:
        """Return the container in short."""
        return observed.target.public()

    def outcome(
        self, desired: Desired, plan: Plan, before: Observed, foreseen: bool
    ) -> Dict[str, Any]:
        """Return what ansible.builtin.command says where nothing ran."""
        if not plan.steps:
            return {"rc": 0, "stdout": "", "stderr": "", "msg": "; ".join(plan.notes)}
        if not foreseen:
            return {}
        # Without a path that decides, it is unknown whether a command changes anything.
        decided = bool({"creates", "removes"}.intersection(plan.steps[0].args))
        result: Dict[str, Any] = {"msg": "the command would run", "changed": decided}
        return result if decided else {**result, "skipped": True}


def _needless(desired: Desired, observed: Observed) -> str:
    if not observed.target.id:
        return ""
    if desired.creates in observed.there:
        return f"not run: {desired.creates} exists in the container"
    if desired.removes and desired.removes not in observed.there:
        return f"not run: {desired.removes} does not exist in the container"
    return ""


def _ready(desired: Desired, container: Target) -> Tuple[str, ...]:
    """Return notes on a container still to come; raise FleetError if none can run a command."""
    if container.unknown:
        return (f"container/{container.name}: {container.unknown}",)
    if not container.running or container.paused:
        verb = "unpause" if container.paused else "start"
        raise FleetError(
            "is paused" if container.paused else "is not running",
            address=f"container/{desired.container}",
            hint=f"a command needs a running container; {verb} it first",
        )
    return ()


def _run(work: Work, step: Step) -> bool:
    from .verbs import run

    return run(work, step)


EXEC = Exec()
