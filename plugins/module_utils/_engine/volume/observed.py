# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is there: one snapshot of a volume, and who uses it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional, Tuple

from ..._desired import ownership
from ..._desired.values import MASK
from ..values.labels import from_compose
from .fields import OWNER_LABEL, UNDERSTOOD

Inspect = Mapping[str, Any]
# Network file systems take their passwords in the mount options (mount.cifs(8)).
_PASSWORD = re.compile(r"(pass(?:word|wd)?\d?=)[^,]*")


@dataclass(frozen=True)
class Observed:
    """One look at the engine. `half` says that a restore into the volume has not come to its end;
    `users` are the names of the containers that mount the volume, and
    `helpers` those that an interrupted run left, by name; both are looked up only if there is
    something to do. `archive` is the digest of what may be restored; `unknown` says what an
    earlier task of this run would do; `settled`: what may turn out needless has been done."""

    current: Optional[Inspect] = None
    users: Tuple[str, ...] = ()
    helpers: Mapping[str, str] = field(default_factory=dict)
    archive: str = ""
    settled: bool = False
    kind: str = ""
    unknown: Mapping[str, str] = field(default_factory=dict)
    half: bool = False


def masked(volume: Inspect) -> Dict[str, Any]:
    """Return an inspected volume with the values of its secret driver options masked."""
    secret = list(record_of(volume).get("secret", ()))
    secret += UNDERSTOOD if "o" in secret else ()
    options = {
        key: MASK if key in secret else _PASSWORD.sub(rf"\g<1>{MASK}", str(value))
        for key, value in (volume.get("Options") or {}).items()
    }
    return {**volume, "Options": options} if options else dict(volume)


def record_of(volume: Inspect) -> Dict[str, Any]:
    """Return the ownership record of a volume, {} when it is not ours."""
    labels = volume.get("Labels") or {}
    return ownership.read(labels.get(OWNER_LABEL), f"volume/{volume['Name']}")


def is_foreign(volume: Inspect) -> bool:
    """Tell whether neither we nor Compose made a volume."""
    return not record_of(volume) and not from_compose(volume.get("Labels"))
