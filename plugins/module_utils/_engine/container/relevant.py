# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of the differences that were found count. A container without any does not load this."""

from __future__ import annotations

from typing import List, Sequence

from ..._desired.fields import Context
from ..._desired.ownership import as_recorded
from ..._desired.steps import Change
from .desired import Desired
from .observed import Observed

# What engines and their desktops add of themselves: Docker Desktop, Podman and its units.
_OF_TOOLS = ("com.docker.", "desktop.docker.io/", "io.podman.", "PODMAN_SYSTEMD_UNIT")


def relevant(
    changes: Sequence[Change], desired: Desired, observed: Observed, context: Context
) -> List[Change]:
    """Return the changes without labels that another tool has added, those of networks weighed."""
    result = [
        change
        for change in changes
        if change.field != "labels" or change.after is not None or _was_given(change.key, context)
    ]
    if any(change.field == "networks" for change in result):
        from .networks import weighed

        result = weighed(result, desired, observed)
    return result


def _was_given(label: str, context: Context) -> bool:
    """Tell whether a label that neither the declaration nor the image has was declared for the
    container, and not added by another tool."""
    if not context.record:
        # Compose has made it, whose hash alone would tell what its file declared.
        return not label.startswith(_OF_TOOLS)
    if "labels" in context.record:
        return label in context.record["labels"]
    if "labels" not in context.record.get("digests", {}):
        return False
    # A record of an earlier version tells only whether all of them are as they were.
    return not as_recorded(context, "labels")
