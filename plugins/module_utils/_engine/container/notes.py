# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan of a container notes. Loaded only where something differs or is unknown."""

from __future__ import annotations

from typing import Tuple

from ..._desired.values import dig
from .compare import Difference
from .desired import Desired
from .inspected import bare_name
from .observed import Observed


def notes_of(desired: Desired, observed: Observed, difference: Difference) -> Tuple[str, ...]:
    """Return what a user should know beside the steps, whether there are some or not."""
    notes = [f"{what}: {cause}" for what, cause in observed.unknown.items()]
    if dig(observed.current, "HostConfig.AutoRemove") and difference.changes:
        notes.append("auto_remove: the old container is gone once it stops, so it cannot come back")
    if desired.recreate == "never":
        heavy = [c.words() for c in difference.changes if c.impact == "replace"]
        notes += [f"recreate: never leaves {words}" for words in heavy]
    if observed.apart is not None:
        notes.append(
            f"{bare_name(observed.apart)} is named like a container that a replacement has set "
            "aside, "
            "but no record says so: it stays as it is"
        )
    if observed.new_volumes:
        from .volumes import notes as volumes

        notes += volumes(observed)
    return tuple(notes)
