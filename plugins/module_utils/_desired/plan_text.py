# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan in words. A no-op does not load this."""

from __future__ import annotations

from typing import TYPE_CHECKING, List, Mapping, Sequence

from .steps import grouped, worst
from .terminal_text import visible

if TYPE_CHECKING:
    from .steps import Step

# Characters of a plan that is said in one line.
_WIDTH = 240


def text(
    steps: Sequence[Step], declared: Mapping[str, Sequence[str]], rest: Mapping[str, Sequence[str]]
) -> str:
    """Print a plan that is not empty: an address a paragraph, its causes, then its steps.

    `declared` has further lines by address, `rest` sentences by the word before them.
    """
    lines: List[str] = []
    for address, own in grouped(lambda step: step.address, steps).items():
        lines.append(address)
        for same in grouped(lambda step: step.causes, own).values():
            impact = worst([step.impact for step in same])
            lines += [f"  {entry} [{impact}]" for entry in same[0].causes]
            lines.append("    " + " · ".join(step.words() for step in same))
        lines += [f"      {line}" for line in declared.get(address, ())]
    lines += [f"{word}: {line}" for word, more in rest.items() for line in more]
    # A value of several lines would look like further lines of the plan.
    return "".join(visible(line, len(line) * 10) + "\n" for line in lines)


def summary(steps: Sequence[Step]) -> str:
    """Say the steps of a plan in one line of bounded length."""
    output: List[str] = []
    for address, own in grouped(lambda step: step.address, steps).items():
        impact = worst([step.impact for step in own])
        causes = "; ".join(dict.fromkeys(step.cause for step in own))
        output.append(f"{address}: {causes} [{impact}]")
    return visible(" · ".join(output), _WIDTH)
