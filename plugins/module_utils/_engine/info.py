# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is to see: containers as inspected, and the engine itself. Reads only."""

from __future__ import annotations

import json
from typing import Any, Dict, List, Mapping

from .._desired.values import dig
from .client import Client, EngineError
from .container import masked
from .container_fields.process import OWNER_LABEL

_STATES = ["created", "dead", "exited", "paused", "removing", "restarting", "running"]
_LIST = {"type": "list", "elements": "str"}


class Containers:
    """The containers that were named or that match filters; all of them without either."""

    server = "engine"

    def spec(self) -> Dict[str, Any]:
        """Return the argument spec, without the options of the connection."""
        options = {"label": _LIST, "name": _LIST, "state": {**_LIST, "choices": _STATES}}
        return {"names": _LIST, "filters": {"type": "dict", "options": options}}

    def read(self, client: Client, params: Mapping[str, Any]) -> Dict[str, Any]:
        """Return `containers`: the named ones in their order, then what the filters match."""
        names: List[str] = list(params.get("names") or ())
        filters = params.get("filters")
        listed = []
        if filters is not None or not names:
            query = {"all": True, "filters": _filters(filters or {})}
            listed = [str(one["Id"]) for one in client.get("/containers/json", query) or ()]
        wanted = [*names, *listed]
        answers = client.get_all([(f"/containers/{one}/json", None) for one in wanted])
        found: Dict[str, Dict[str, Any]] = {}
        for number, (asked, answer) in enumerate(zip(wanted, answers)):
            if isinstance(answer, EngineError):
                if answer.status != 404:
                    raise answer
                if number < len(names):
                    found[asked] = {"name": asked, "exists": False}
            else:
                found.setdefault(str(answer["Id"]), _container(answer))
        return {"containers": list(found.values())}

    def nothing(self, params: Mapping[str, Any]) -> Dict[str, Any]:
        """Return the named containers as missing."""
        names = params.get("names") or ()
        return {"containers": [{"name": name, "exists": False} for name in names]}


def _filters(given: Mapping[str, Any]) -> Dict[str, List[str]]:
    words = {"label": "label", "state": "status", "name": "name"}
    return {word: list(given[key]) for key, word in words.items() if given.get(key)}


def _container(answer: Mapping[str, Any]) -> Dict[str, Any]:
    """Return an inspect answer with secret values masked and its plain `name` and `exists`."""
    try:
        record = json.loads((dig(answer, "Config.Labels") or {}).get(OWNER_LABEL) or "{}")
    except ValueError:
        record = {}
    # Whoever made it: keys that the record calls secret are never shown.
    hidden = record.get("secret", ()) if isinstance(record, dict) else ()
    shown = masked(answer, hidden)
    return {"name": str(answer["Name"]).lstrip("/"), "exists": True, **shown}


class Host:
    """The engine of a host: versions, settings, counts, and on request what it fills."""

    server = "engine"

    def spec(self) -> Dict[str, Any]:
        """Return the argument spec, without the options of the connection."""
        return {"disk_usage": {"type": "bool", "default": False}}

    def read(self, client: Client, params: Mapping[str, Any]) -> Dict[str, Any]:
        """Return the engine's own answers beside the few facts that most tasks want."""
        paths = ["/version", "/info"] + ["/system/df"] * bool(params.get("disk_usage"))
        answers = client.get_all([(path, None) for path in paths])
        for answer in answers:
            if isinstance(answer, EngineError):
                raise answer
        version, info = answers[0], answers[1]
        made = {
            "exists": True,
            "kind": client.kind,
            "api": "{}.{}".format(*client.api),
            "version": version,
            "info": info,
            "counts": _counts(info),
        }
        return {**made, "disk_usage": _usage(answers[2])} if len(answers) > 2 else made

    def nothing(self, params: Mapping[str, Any]) -> Dict[str, Any]:
        """Return that there is no engine yet."""
        return {"exists": False}


def _counts(info: Mapping[str, Any]) -> Dict[str, int]:
    keys = {
        "containers": "Containers",
        "running": "ContainersRunning",
        "paused": "ContainersPaused",
        "stopped": "ContainersStopped",
        "images": "Images",
    }
    return {name: int(info.get(key) or 0) for name, key in keys.items()}


def _usage(answer: Mapping[str, Any]) -> Dict[str, int]:
    """Sum up `/system/df`, in bytes; -1 stands in it for what was not measured."""

    def total(key: str, path: str) -> int:
        return sum(max(int(dig(one, path) or 0), 0) for one in answer.get(key) or ())

    return {
        "images": int(answer.get("LayersSize") or 0),
        "containers": total("Containers", "SizeRw"),
        "volumes": total("Volumes", "UsageData.Size"),
        "build_cache": total("BuildCache", "Size"),
    }


CONTAINERS = Containers()
HOST = Host()
