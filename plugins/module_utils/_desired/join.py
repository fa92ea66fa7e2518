# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plans of several resources as one, to be shown. A no-op does not load this."""

from __future__ import annotations

from typing import Sequence

from .plan import Plan


def joined(plans: Sequence[Plan]) -> Plan:
    """Return the plans of several resources as one; that of a single one is itself."""
    if len(plans) == 1:
        return plans[0]
    return Plan(
        tuple(step for plan in plans for step in plan.steps),
        tuple(note for plan in plans for note in plan.notes),
        tuple(text for plan in plans for text in plan.pending),
        tuple(text for plan in plans for text in plan.refused),
        declared={address: lines for plan in plans for address, lines in plan.declared.items()},
    )
