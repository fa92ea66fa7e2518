# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ids of what a run has made, kept for the steps that follow."""

from __future__ import annotations

from typing import Any, Mapping, Optional

from ..._desired.steps import Step
from ..._desired.work import Work


def ref_of(work: Work, step: Step) -> str:
    """Return what the engine should look up: the id where it is known, else the fixed name.

    By now, what this run has made may have lost its name to what another one has.
    """
    name = step.args["on"]
    return str(step.args.get("id") or work.shared.get("made", {}).get(name) or name)


def keep_id(work: Work, step: Step, answer: Optional[Mapping[str, Any]]) -> None:
    """Keep the id of what a step has made: for the steps that follow, and for the way back."""
    ident = str((answer or {}).get("Id") or "")
    work.shared.setdefault("made", {})[step.args["on"]] = ident
    work.note(step, id=ident)
