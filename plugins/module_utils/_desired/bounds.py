# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a plan may go, as the user says by `allow` and `protect`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Sequence, Tuple

from .errors import Refused
from .join import joined

if TYPE_CHECKING:
    from .part import Part


def check_bounds(parts: Sequence[Part]) -> None:
    """Raise Refused, with every reason, if plans go beyond what the user allows, each by its own
    resource's bounds."""
    stopped = {part.address: _refusals(part) for part in parts}
    reasons = [reason for some in stopped.values() for reason in some]
    if not reasons:
        return
    plans = [replace(part.plan, refused=stopped[part.address]) for part in parts]
    text = joined(plans).text()
    refused = [address for address, some in stopped.items() if some]
    raise Refused(
        "refused: " + "; ".join(reasons),
        address=", ".join(refused),
        details={"plan": {"text": text}, "diff": {"prepared": text}},
    )


def _refusals(part: Part) -> Tuple[str, ...]:
    desired = part.desired
    result = list(part.plan.refused)
    for step in part.plan.steps:
        if desired.protect and step.impact in ("replace", "destroy"):
            result.append(f"{step.cause}: protect forbids replacing or removing it")
        elif step.impact not in ("none", "destroy", *desired.allow):
            allowed = ", ".join(desired.allow) or "nothing"
            result.append(f"{step.cause}: needs {step.impact}, but allow has only {allowed}")
    return tuple(dict.fromkeys(result))
