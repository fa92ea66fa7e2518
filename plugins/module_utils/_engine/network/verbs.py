# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mutations of a network: one function a verb, one Engine API call each."""

from __future__ import annotations

import json
from typing import Any, Dict, Optional

from ..._desired.create_body import body
from ..._desired.fields import Context
from ..._desired.record import encode_record
from ..._desired.schema import for_kind
from ..._desired.steps import Step
from ..._desired.work import Verb, Work
from ..client.errors import EngineError
from .desired import Desired
from .fields import FIELDS, OWNER_LABEL, asked_keys
from .observed import NOTE_LABEL, Inspect, Observed, endpoints, note_name, note_of


def _post(work: Work, result: Dict[str, Any]) -> str:
    """Create a network and return its id; the engine refuses a name that is taken.

    Before API 1.44 it does so only if asked to.
    """
    answer = work.client.post("/networks/create", None, {**result, "CheckDuplicate": True})
    return str(answer["Id"])


def _create(work: Work, step: Step) -> None:
    desired: Desired = work.desired
    observed: Observed = work.snapshot
    context = Context(desired.declared, {}, {}, observed.api, observed.kind)
    result = body(for_kind(FIELDS, observed.kind), context, lambda at: at)
    record = encode_record(
        desired.address, FIELDS, desired.declared, {"asked": sorted(asked_keys(desired.declared))}
    )
    result["Labels"] = {**result.get("Labels", {}), **desired.marks, OWNER_LABEL: record}
    work.shared["network"] = _post(work, {"Name": desired.name, **result})


def _save_note(work: Work, step: Step) -> None:
    desired: Desired = work.desired
    old: Inspect = work.snapshot.current
    note = {
        "address": desired.address,
        "id": old["Id"],
        "body": _body_of(old),
        "endpoints": endpoints(work.snapshot),
    }
    labels = {NOTE_LABEL: json.dumps(note, sort_keys=True, separators=(",", ":"))}
    _post(work, {"Name": note_name(old), "ConfigOnly": True, "Labels": labels})


def _body_of(network: Inspect) -> Dict[str, Any]:
    """Return the create body that makes a network like this one, its subnets included."""
    keys = ("Driver", "EnableIPv4", "EnableIPv6", "Internal", "Attachable", "Options", "Labels")
    result = {key: network[key] for key in keys if network.get(key) is not None}
    ipam = {key: value for key, value in (network.get("IPAM") or {}).items() if value}
    return {"Name": network["Name"], **result, "IPAM": ipam}


def _recreate(work: Work, step: Step) -> None:
    work.shared["network"] = _post(work, note_of(work.snapshot.notes[0])["body"])


def _remove_note(work: Work, step: Step) -> Optional[bool]:
    return _delete(work, step)


def _remove(work: Work, step: Step) -> Optional[bool]:
    return _delete(work, step)


def _delete(work: Work, step: Step) -> bool:
    return bool(work.client.discard(f"/networks/{step.args.get('id') or step.args['on']}"))


def _connect(work: Work, step: Step) -> Optional[bool]:
    ident = step.args["id"]
    network = work.shared.get("network") or work.snapshot.current["Id"]
    settings = endpoints(work.snapshot).get(ident, {})
    if work.snapshot.kind == "podman":
        from .podman import settings as fitting

        settings = fitting(settings, work.client.get(f"/networks/{network}"))
    result = {"Container": ident, "EndpointConfig": settings}
    return _unless_removed(work, f"/networks/{network}/connect", result)


def _disconnect(work: Work, step: Step) -> Optional[bool]:
    result = {"Container": step.args["id"], "Force": False}
    return _unless_removed(work, f"/networks/{work.snapshot.current['Id']}/disconnect", result)


def _unless_removed(work: Work, path: str, result: Dict[str, Any]) -> Optional[bool]:
    """Send a request about a container; False if it was removed meanwhile."""
    try:
        work.client.post(path, None, result)
    except EngineError as error:
        if error.status != 404:
            raise
        if work.client.fetch(f"/containers/{result['Container']}/json").status != 404:
            raise
        return False
    return None


VERBS: Dict[str, Verb] = {
    "connect": _connect,
    "create": _create,
    "disconnect": _disconnect,
    "recreate": _recreate,
    "remove": _remove,
    "remove_note": _remove_note,
    "save_note": _save_note,
}
