# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mutations that only dependents need: made again from what the engine says of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Dict, List, Mapping

from ..._desired.steps import Step
from ..._desired.values import dig
from ..._desired.work import Verb, Work
from ..client.engine import Client
from ..client.errors import EngineError
from ..network.endpoint_settings import asked_of
from .dependents import LABEL, label, lenders
from .fields.mounts import anonymous, has_colon
from .ids import keep_id, ref_of
from .inspected import Inspect
from .verbs import VERBS as CONTAINER_VERBS
from .verbs import with_hint
from .wait import wait

_MODES = ("NetworkMode", "PidMode", "IpcMode")


def recreate(work: Work, step: Step) -> None:
    """Create a container like one that is there, in the namespaces of the new one it depends on."""
    old = work.client.get(f"/containers/{step.args['id']}/json")
    observed = work.snapshot
    root = observed.old or observed.current
    names = {str(root["Id"]): work.desired.name}
    names.update({entry.id: entry.name for entry in observed.dependents})
    ids = {
        entry: str(work.client.get(f"/containers/{names[entry]}/json")["Id"])
        for entry in lenders(old)
        if entry in names
    }
    try:
        result = _body(work.client, old, ids)
        keep_id(
            work, step, work.client.post("/containers/create", {"name": step.args["on"]}, result)
        )
    except EngineError as error:
        error.address = step.address
        raise


def _body(client: Client, old: Inspect, ids: Mapping[str, str]) -> Dict[str, Any]:
    """Return the create body of a container that is like another."""
    host: Dict[str, Any] = dict(old["HostConfig"])
    for mode in _MODES:
        ident = str(host.get(mode) or "").partition("container:")[2]
        if ident in ids:
            host[mode] = f"container:{ids[ident]}"
    lent = (entry.partition(":") for entry in host.get("VolumesFrom") or ())
    host["VolumesFrom"] = [ids.get(name, name) + colon + ro for name, colon, ro in lent] or None
    _carry(host, old)
    result: Dict[str, Any] = {**old["Config"], "HostConfig": host, "Image": _image(client, old)}
    result["Labels"] = {**(result.get("Labels") or {}), LABEL: label(old)}
    result.pop("MacAddress", None)
    if client.kind == "podman":
        # It shows its own additions as if they had been asked for; this one holds the old id.
        own = f"HOSTNAME={result.get('Hostname')}"
        result["Env"] = [item for item in result.get("Env") or () if item != own]
    if result.get("Hostname") == old["Id"][:12]:
        del result["Hostname"]
    network = str(host.get("NetworkMode") or "")
    if network.startswith("container:"):
        # Both are the other container's then, and the engine refuses them.
        for key in ("Hostname", "Domainname", "ExposedPorts"):
            result.pop(key, None)
    elif network not in ("host", "none"):
        result["NetworkingConfig"] = {"EndpointsConfig": _endpoints(old, client.kind)}
    return result


def _image(client: Client, old: Inspect) -> str:
    """Return the image's reference if it still means the same image, else its id."""
    reference, ident = str(dig(old, "Config.Image")), str(old["Image"])
    try:
        same = client.get(f"/images/{reference}/json")["Id"] == ident
    except EngineError:
        same = False
    return reference if same else ident


def _carry(host: Dict[str, Any], old: Inspect) -> None:
    """Let the new container take over the anonymous volumes of the old one."""
    mounts: List[Dict[str, Any]] = [dict(entry) for entry in host.get("Mounts") or ()]
    binds: List[str] = list(host.get("Binds") or ())
    for target, name in anonymous(old):
        asked = next((entry for entry in mounts if entry.get("Target") == target), None)
        if asked is not None:
            asked["Source"] = name
        elif has_colon(target, name):
            mounts.append({"Type": "volume", "Source": name, "Target": target})
        elif not any(bind.split(":")[1:2] == [target] for bind in binds):
            binds.append(f"{name}:{target}")
    host.update(Mounts=mounts or None, Binds=binds or None)


def _endpoints(old: Inspect, kind: str) -> Dict[str, Any]:
    result: Dict[str, Any] = {}
    for name, point in (dig(old, "NetworkSettings.Networks") or {}).items():
        # Not the addresses that Podman shows: the one that is there still has them.
        result[name] = asked_of(point, old["Id"], "docker")
        if kind == "podman":
            own = dig(old, "Config.Hostname")
            aliases = [alias for alias in result[name].pop("Aliases", ()) if alias != own]
            result[name].update({"Aliases": aliases} if aliases else {})
    return result


def watch(work: Work, step: Step) -> None:
    """Wait until a dependent has run through `monitor`; FleetError if it has not."""
    name = step.args["on"]
    wait(work.client, ref_of(work, step), replace(work.desired, name=name, wait="started"))


VERBS: Dict[str, Verb] = {
    **CONTAINER_VERBS,
    "recreate": with_hint(recreate),
    "watch": with_hint(watch),
}
