# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The difference between a machine that is defined and the declared one."""

from __future__ import annotations

from typing import Any, Dict, List

from ..._desired.diff import diff
from ..._desired.fields import Context, Scope
from ..._desired.schema import observed_values
from ..._desired.steps import Change
from .desired import Desired
from .fields import FIELDS
from .observed import Observed
from .seed import digest_of, wanted_files


def changes_of(desired: Desired, observed: Observed) -> List[Change]:
    """Return what differs between a defined machine and the declared one."""
    declared: Dict[str, Any] = dict(desired.declared)
    if desired.cloud_init is not None and observed.record:
        declared["cloud_init"] = digest_of(wanted_files(desired, observed.record, observed.seed))
    context = Context(declared, record=observed.record, extra={"type": observed.type})
    managed = frozenset(observed.record.get("digests", {}))
    scope = Scope(full=desired.whole, managed=managed, ignore=desired.ignore)
    return diff(FIELDS, context, observed_values(FIELDS, observed.view(), context), scope)
