# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mutations of a volume: one function a verb."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._desired.fields import Context
from ..._desired.record import encode_record
from ..._desired.schema import for_kind
from ..client.errors import EngineError
from .desired import Desired
from .fields import FIELDS, OWNER_LABEL, secret_keys

if TYPE_CHECKING:
    from ..._desired.steps import Step
    from ..._desired.work import Work


def create(work: Work, step: Step) -> None:
    from ..._desired.create_body import body

    desired: Desired = work.desired
    context = Context(desired.declared, {}, {}, (0, 0), work.snapshot.kind)
    result = body(for_kind(FIELDS, work.snapshot.kind), context, lambda at: at)
    extra = {
        "secret": sorted(secret_keys(desired.declared, {})),
        "restored": work.snapshot.archive,
    }
    record = encode_record(desired.address, FIELDS, desired.declared, extra)
    result["Labels"] = {**result.get("Labels", {}), **desired.marks, OWNER_LABEL: record}
    answer = work.client.post("/volumes/create", None, {"Name": desired.name, **result})
    if (answer.get("Labels") or {}).get(OWNER_LABEL) != record:
        raise EngineError(
            f"somebody else created the volume {desired.name} meanwhile",
            address=desired.address,
            hint="run again to compare it",
        )


def remove(work: Work, step: Step) -> bool:
    return bool(work.client.discard(f"/volumes/{step.args['on']}"))
