# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a machine's platform cannot be, or cannot become."""

from __future__ import annotations

from typing import Sequence

from ..._desired.errors import InvalidOption
from ..._desired.steps import Change
from .desired import Desired
from .observed import Observed
from .platform import family


def check_platform(desired: Desired, observed: Observed, changes: Sequence[Change]) -> None:
    """Raise InvalidOption for another family of machine types, and a processor without its host's.

    Buses and addresses of all devices belong to the family: a guest would not find its disks.
    """
    for change in changes:
        families = {family(str(change.before)), family(str(change.after))}
        if change.field == "machine" and len(families) > 1:
            raise InvalidOption(
                f"{change.before} cannot become {change.after}: all of its devices would move",
                option="machine",
                hint="make the machine anew, or declare the type that it has",
            )
    kind = observed.type or desired.kind(observed.kvm)
    mode = (desired.declared.get("cpu") or {}).get("mode")
    if kind == "qemu" and mode == "host-passthrough":
        raise InvalidOption(
            "host-passthrough needs KVM, and the machine runs under emulation",
            option="cpu.mode",
            hint="maximum has all that the emulation can do",
        )
