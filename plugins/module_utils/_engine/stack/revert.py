# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way back from an update of a service: to the containers that it has replaced."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..._desired.plan import Plan
from ..._desired.rolling import Pace
from ..._desired.steps import Chain
from ..._desired.values import dig
from ..container import replacement
from ..container.inspected import Inspect, bare_name, record_of, runs
from ..container.observed import Observed
from ..container.others import others_of
from ..container.state import UP

_CAUSE = "the update failed"


def revert(desired: Any, observed: Observed, before: Observed, pace: Pace) -> Plan:
    """Return the steps to the container that there was before; none if it is gone, or is there.

    It is watched as the update would have been, by its own healthcheck if it has one.
    """
    was = str(dig(before.old or before.current, "Id"))
    old, new = observed.old, observed.current
    if old is None or old["Id"] != was or new is None:
        return Plan()
    if dig(record_of(new, observed.base, desired.names), "replaces.id") != was:
        return Plan()
    chain = Chain(desired.address)
    if pace.start_first and desired.start_first and not runs(old):
        chain.add("start", _CAUSE, on=bare_name(old), id=was)
        _watch(chain, desired, old, bare_name(old), pace)
        old = replacement.started(old)
    first = len(chain.steps)
    replacement.recover_old(chain, desired, replace(observed, old=old), (_CAUSE,))
    if any(step.verb == "start" for step in chain.steps[first:]):
        _watch(chain, desired, old, desired.name, pace)
    return Plan(tuple(chain.steps), others=others_of(desired.address, chain.steps))


def _watch(chain: Chain, desired: Any, old: Inspect, name: str, pace: Pace) -> None:
    if desired.wait == "none":
        return
    monitor = str(int(pace.monitor * 1e9))
    chain.add("wait", _CAUSE, on=name, id=str(old["Id"]), until=UP, monitor=monitor)
