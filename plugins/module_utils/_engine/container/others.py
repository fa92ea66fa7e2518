# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a container's plan is about beside the container: its image, and its dependents."""

from __future__ import annotations

from typing import Dict, Iterable

from ..._desired.steps import Step
from ..._desired.work import Actor, Verbs


class _Image:
    """The image that a container needs."""

    @property
    def verbs(self) -> Verbs:
        """The mutations by verb."""
        from ..image.pull import pull
        from .verbs import with_hint

        return {"pull": with_hint(pull)}


class _Dependent:
    """A container in the namespaces of the one that is replaced."""

    @property
    def verbs(self) -> Verbs:
        """The mutations by verb."""
        from .dependents_verbs import VERBS

        return VERBS


def others_of(address: str, steps: Iterable[Step]) -> Dict[str, Actor]:
    """Return by address what the steps of the plan of `address` are about beside it."""
    others = (step.address for step in steps if step.address != address)
    return {other: _Image() if other.startswith("image/") else _Dependent() for other in others}
