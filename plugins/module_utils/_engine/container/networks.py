# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container's networks, changed while it runs: what that costs, its steps, and the way back.

An endpoint cannot be altered: it is left and joined anew. What a new one cannot be given makes the
change a replacement, and a network that was left for nothing is joined again as it was.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, Dict, List, Mapping, Sequence

from ..._desired.steps import Chain, Change, Step
from ..._desired.values import dig
from ..._desired.work import Work
from ..client.errors import EngineError
from ..network.endpoint import on_paper
from ..network.endpoint_settings import asked_of, fixed_mac
from .desired import Desired
from .fields.endpoints import endpoint_body
from .inspected import Inspect
from .observed import Observed

FAILED = "it did not work"


def weighed(changes: Sequence[Change], desired: Desired, observed: Observed) -> List[Change]:
    """Return the changes, with those of networks that joining anew cannot make as replacements."""
    return [
        _weighed(change, desired, observed) if change.field == "networks" else change
        for change in changes
    ]


def _weighed(change: Change, desired: Desired, observed: Observed) -> Change:
    if change.after is None or not _joined(change.before):
        return change
    macs: Mapping[str, str] = desired.declared.get("mac_address") or {}
    fixed = fixed_mac(observed.current or {}, change.key, observed.kind, observed.api, macs)
    if not fixed:
        return change
    text = f"{change.text}, and reconnecting would lose the MAC address {fixed}"
    return replace(change, impact="replace", text=text)


def _joined(endpoint: Any) -> bool:
    """Tell whether a container has an endpoint, and not on paper only."""
    return endpoint is not None and "state" not in endpoint


def add_steps(chain: Chain, desired: Desired, ident: str, changes: Sequence[Change]) -> None:
    """Add the steps that change networks live: joining before leaving, so that a container is
    never without a network."""
    for change in sorted(changes, key=lambda entry: _joined(entry.before)):
        args = {"on": desired.name, "id": ident, "to": change.key}
        verbs = ["disconnect"] if _joined(change.before) else []
        verbs += ["connect"] if change.after is not None or not verbs else []
        # What is on paper only can be left once it is joined.
        verbs += ["disconnect"] if change.after is None and "disconnect" not in verbs else []
        for verb in verbs:
            chain.add(verb, change.words(), "live", (change,), args=args)


def recover_live(chain: Chain, desired: Desired, observed: Observed, begun: Sequence[Step]) -> None:
    """Add the way back of live changes: what was left for another endpoint is joined as it was,
    and what could not be joined does not stay on paper, where it would keep the next start from
    working."""
    current = observed.current or {}
    mine = [step for step in begun if step.args.get("id") == current.get("Id")]
    left = {step.args["to"]: step for step in mine if step.verb == "disconnect"}
    for name in dict.fromkeys(step.args["to"] for step in mine if step.verb == "connect"):
        args = {"on": desired.name, "id": str(current["Id"]), "to": name}
        point = (dig(current, "NetworkSettings.Networks") or {}).get(name)
        lost = point is None or on_paper(current, point, observed.kind)
        if lost and name in left:
            chain.add("connect", FAILED, args=args)
            chain.steps[-1] = replace(chain.steps[-1], noted=left[name].noted)
        elif lost and point is not None:
            chain.add("connect", FAILED, args=args)
            chain.steps[-1] = replace(chain.steps[-1], noted={"endpoint": "{}"})
            chain.add("disconnect", FAILED, args=args)


def connect(work: Work, step: Step, ref: str) -> None:
    """Connect a container to a network, with what is declared or, on the way back, as it was."""
    result = {"Container": ref, "EndpointConfig": _endpoint_of(work, step)}
    try:
        work.client.post(f"/networks/{_network(work, step)}/connect", None, result)
    except EngineError:
        work.note(step)  # refused or not, Docker keeps the wish
        raise


def disconnect(work: Work, step: Step, ref: str) -> None:
    """Disconnect a container from a network, and keep for the way back what the endpoint was."""
    current: Inspect = work.snapshot.current or {}
    point = (dig(current, "NetworkSettings.Networks") or {}).get(_network(work, step)) or {}
    asked = json.dumps(asked_of(point, str(current.get("Id")), work.client.kind))
    path = f"/networks/{_network(work, step)}/disconnect"
    try:
        work.client.post(path, None, {"Container": ref, "Force": False})
    except EngineError as error:
        if not error.refused:
            work.note(step, endpoint=asked)
        raise
    work.note(step, endpoint=asked)


def _network(work: Work, step: Step) -> str:
    name = step.args["to"]
    if work.client.kind != "podman":
        return name
    from .podman import network

    return network(name)


def _endpoint_of(work: Work, step: Step) -> Dict[str, Any]:
    """Return the EndpointSettings with which a step connects: declared, or as they were."""
    name = str(step.args["to"])
    if "endpoint" in step.noted:
        asked: Dict[str, Any] = json.loads(step.noted["endpoint"])
        return _fitting(asked, work, step) if work.client.kind == "podman" else asked
    declared: Mapping[str, Any] = work.desired.declared
    result = endpoint_body((declared.get("networks") or {}).get(name) or {})
    current: Inspect = work.snapshot.current or {}
    point = (dig(current, "NetworkSettings.Networks") or {}).get(name) or {}
    links = point.get("Links") or list(declared.get("links") or ())
    if links and name != "bridge" and name in (declared.get("networks") or ()):
        result["Links"] = links
    mac = (declared.get("mac_address") or {}).get(name)
    if mac and work.client.kind == "podman":
        result["MacAddress"] = mac
    return result


def _fitting(asked: Mapping[str, Any], work: Work, step: Step) -> Dict[str, Any]:
    from ..network.podman import settings

    return settings(asked, work.client.get(f"/networks/{_network(work, step)}"))
