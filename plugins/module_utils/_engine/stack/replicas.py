# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which parts of a stack are the replicas of which service."""

from __future__ import annotations

from typing import Dict, List, Sequence

from ..._desired.part import Part


def by_service(parts: Sequence[Part]) -> Dict[str, List[Part]]:
    """Return the containers among parts by the service whose replicas they are."""
    result: Dict[str, List[Part]] = {}
    for part in parts:
        name = service_of(part)
        if name:
            result.setdefault(name, []).append(part)
    return result


def service_of(part: Part) -> str:
    """Return the service whose replica a part is, "" if it is none."""
    return str(getattr(part.desired, "service", ""))
