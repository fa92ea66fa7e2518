# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a build or a load needs of the controller: the context, or the archive."""

from __future__ import annotations

from ..._desired.errors import FleetError
from .building.desired import Build
from .desired import Desired


class NeedsContext(FleetError):
    """The context is on the controller, and a build is needed: nothing was written yet."""

    def __init__(self, address: str) -> None:
        super().__init__(
            "the source of the image is not on this machine",
            address=address,
            hint="the action plugin sends it when the module asks for it",
            details={"needs_context": True},
        )


def need_context(desired: Desired) -> None:
    """Raise NeedsContext unless the context, or the archive, can be sent from here."""
    if desired.source is not None and not desired.source.path:
        raise NeedsContext(desired.address)
    if desired.build is not None and not ("tar" in desired.build.context or archive(desired.build)):
        raise NeedsContext(desired.address)


def archive(build: Build) -> str:
    """Return the path of the context's archive on this machine, "" if there is none."""
    return str(build.context.get("archive") or "")
