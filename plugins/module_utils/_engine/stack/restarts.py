# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which containers of a stack are restarted: those of services that the task names, and of those
that a dependency takes along (Compose Specification, `restart` of "depends_on").

What is started anew in the same run, as it is made, replaced or started, needs no restart.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Collection, Iterable, List, Mapping, Sequence, Tuple

from ..._desired.errors import Faults, InvalidOption
from ..._desired.part import Part
from ..._desired.plan import Plan
from ..._desired.steps import Step
from ..._desired.values import nearest
from ..container.plan import RESTART
from .order import restarted_with
from .replicas import service_of

OPTION = "force_restart"
_ANEW = ("create", "recreate", "restart", "start")


def check_restarts(
    params: Mapping[str, Any], services: Collection[str], disabled: Collection[str]
) -> None:
    """Raise InvalidOption for services that there are not, and for a state without restarts."""
    faults = Faults()
    asked, state = params[OPTION], params["state"]
    with faults:
        if asked and state not in ("started", "present"):
            hint = "it is for containers that keep running; leave one of the two out"
            text = f"cannot be combined with state: {state}"
            raise InvalidOption(text, option=OPTION, hint=hint)
    for number, name in enumerate(asked if not faults.errors else ()):
        with faults:
            where = f"{OPTION}[{number}]"
            if name in disabled:
                hint = "name one of its profiles"
                raise InvalidOption(f"{name} is left out by its profiles", option=where, hint=hint)
            if name not in services:
                hint = nearest(str(name), list(services))
                raise InvalidOption(f"there is no service {name}", option=where, hint=hint)
    faults.tell()


def with_restart(
    container: Any,
    entry: Mapping[str, Any],
    asked: Collection[str],
    before: Sequence[Part],
) -> Any:
    """Return a service's container, to be restarted if it is asked for, or taken along.

    `entry` declares its service, `before` are the parts that are planned, or done, before it; those
    that it depends on are among them.
    """
    steps = [step for part in before for step in part.plan.steps]
    if any(step.address == container.address and step.verb in _ANEW for step in steps):
        return container
    if container.service in asked:
        return replace(container, force_restart=True, restarts=(f"{OPTION}: {container.service}",))
    causes: List[str] = []
    sure = False
    for service in restarted_with(entry):
        addresses = [part.address for part in before if service_of(part) == service]
        for step in _taking_along(steps, addresses):
            how = "restarted" if step.verb == "restart" else "replaced"
            name = step.address.partition("/")[2]
            causes.append(f"depends_on.{service}.restart: {name} is {how}")
            sure = sure or not step.maybe
    if not causes:
        return container
    words = tuple(dict.fromkeys(causes))
    return replace(container, force_restart=True, restarts=words, restarts_maybe=not sure)


def _taking_along(steps: Iterable[Step], addresses: Collection[str]) -> List[Step]:
    """Return the steps that replace or restart one of some containers that ran."""
    return [
        step
        for step in steps
        if step.address in addresses
        and (step.verb in ("restart", "recreate") or (step.verb == "create" and "ran" in step.args))
    ]


def with_causes(plan: Plan, container: Any) -> Plan:
    """Return the plan of a container, its restart with the causes that it has in a stack."""
    if not container.restarts:
        return plan
    steps: Tuple[Step, ...] = tuple(
        replace(step, causes=container.restarts, maybe=step.maybe or container.restarts_maybe)
        if step.causes == (RESTART,)
        else step
        for step in plan.steps
    )
    return replace(plan, steps=steps)
