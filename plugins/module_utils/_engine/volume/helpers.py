# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The helper containers by which archives get into volumes and out of them.

Loaded only if there is something to do. What a helper is, is decided here alone, since helpers are
removed without a question: it has a helper's name, it has never run, and its label is its own, not
its image's. Whatever else mounts the volume is one of the volume's users.
"""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional

from ..._desired.errors import FleetError
from ..client.engine import Client
from ..client.errors import EngineError
from ..container.reads import bases_of
from ..values.labels import own_labels

LABEL = "dockyard.fleet.helper"
# Those whose presence says that data may be missing (see archive.py), and those of a reading.
ANEW, RESTORE, BACKUP, LOOK = "anew", "restore", "backup", "look"
_ALL = (ANEW, RESTORE, BACKUP, LOOK)


def helper_name(what: str, volume: str) -> str:
    """Return the name of a helper container."""
    return f"dockyard.fleet-{what}-{volume}"


def helpers(client: Client, volume: str, listed: List[Mapping[str, Any]]) -> Dict[str, str]:
    """Return the ids of the helpers among listed containers by name."""
    names = {helper_name(what, volume) for what in _ALL}
    containers = {str((entry.get("Names") or ("/",))[0])[1:]: entry for entry in listed}
    likely = {
        name: {**entry, "Image": entry.get("ImageID")}
        for name, entry in containers.items()
        if name in names and entry.get("State") == "created"
    }
    bases = bases_of(client, likely.values())
    return {
        name: str(entry["Id"])
        for name, entry in likely.items()
        if own_labels(entry.get("Labels"), str(entry["Image"]), bases.get(str(entry["Image"]))).get(
            LABEL
        )
        == f"volume/{volume}"
    }


def make_helper(client: Client, what: str, volume: str, *mounts: Dict[str, Any]) -> str:
    """Make a helper and return its id; one that an interrupted run left is as good.

    Raise FleetError if a foreign container has its name.
    """
    name = helper_name(what, volume)
    result = {
        "Image": _smallest(client),
        "Cmd": ["never-started"],
        "Labels": {LABEL: f"volume/{volume}"},
        "HostConfig": {"Mounts": list(mounts), "NetworkMode": "none"},
    }
    try:
        return str(client.post("/containers/create", {"name": name}, result)["Id"])
    except EngineError as error:
        if error.status != 409:
            raise
    ident = find_helper(client, what, volume)
    if ident is None:
        raise FleetError(
            f"there is a container {name}, and no record says that it is a helper of this "
            "collection",
            address=f"volume/{volume}",
            hint="rename or remove it",
        )
    return ident


def find_helper(client: Client, what: str, volume: str) -> Optional[str]:
    """Return the id of a helper, None if there is none."""
    name = helper_name(what, volume)
    query = {"all": True, "filters": {"label": [f"{LABEL}=volume/{volume}"]}}
    return helpers(client, volume, client.get("/containers/json", query) or []).get(name)


def drop_helper(client: Client, ident: str) -> None:
    """Remove a helper by id, with the volumes that its image asks for; what it mounts stays."""
    client.discard(f"/containers/{ident}", {"v": True, "force": True})


def _smallest(client: Client) -> str:
    images = client.get("/images/json") or ()
    if not images:
        raise FleetError(
            "the engine has no image, and archives of volumes need one to create a helper from",
            hint="pull or build any image first",
        )
    return str(min(images, key=lambda entry: int(entry.get("Size") or 0))["Id"])
