# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a plan may go, as the user says by `allow` and `protect`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .errors import Refused

if TYPE_CHECKING:
    from .plan import Plan
    from .work import Desired


def check_bounds(desired: Desired, plan: Plan) -> None:
    """Raise Refused, with every reason, if a plan goes beyond what the user allows."""
    refused = list(plan.refused)
    for step in plan.steps:
        if desired.protect and step.impact in ("replace", "destroy"):
            refused.append(f"{step.cause}: protect forbids to replace or remove it")
        elif step.impact not in ("none", "destroy", *desired.allow):
            allowed = ", ".join(desired.allow) or "nothing"
            refused.append(f"{step.cause}: needs {step.impact}, allow has only {allowed}")
    if refused:
        reasons = list(dict.fromkeys(refused))
        stopped = replace(plan, refused=tuple(reasons))
        raise Refused(
            "refused: " + "; ".join(reasons),
            address=desired.address,
            details={"plan": {"text": stopped.text()}, "diff": {"prepared": stopped.text()}},
        )
