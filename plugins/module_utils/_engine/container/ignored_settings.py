# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an engine left out of a container that it has just made, seen before anything else is done.

An engine that accepts a setting and drops it would have the container replaced by every run. So a
new one is looked at while it has not run, and the old one still does.
"""

from __future__ import annotations

from dataclasses import replace

from ..._desired.errors import FleetError
from ..._desired.steps import Step
from ..._desired.work import Work
from .compare import changes_of
from .desired import Desired
from .observed import Observed
from .reads import bases_of

# What a container that has not run does not tell. The image is what the reference meant at that
# moment; further networks are joined later, before API 1.44; a MAC address of an endpoint, from
# 1.44 on, is what it has while it runs.
_LATER = ("image", "networks", "mac_address")
# Podman shows ports as it has chosen them at the start.
_LATER_ON_PODMAN = (*_LATER, "ports")


def check_created(work: Work, step: Step) -> None:
    """Raise FleetError if the new container is not as declared; it has to go again then."""
    desired: Desired = work.desired
    observed: Observed = work.snapshot
    result = work.client.get(f"/containers/{work.shared['made'][step.args['on']]}/json")
    result = {**result, "Name": f"/{desired.name}"}
    bases = bases_of(work.client, (result,), observed.image)
    changes = changes_of(desired, replace(observed, current=result, bases=bases, settled=True))
    later = _LATER_ON_PODMAN if observed.kind == "podman" else _LATER
    ignored = [
        replace(change, origin="declared").words()
        for change in changes
        if change.impact == "replace" and change.field not in later
    ]
    if not ignored:
        return
    error = FleetError(
        f"the engine reported success but did not apply {'; '.join(ignored)}",
        address=desired.address,
        hint="the new container is removed again; declare what this engine supports, or name "
        "the option in ignore_changes",
    )
    error.outcome_unknown = True  # there is a container, which has to go again
    raise error
