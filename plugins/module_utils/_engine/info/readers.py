# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is to see: each kind of thing as inspected, and the engine itself. Reads only."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping

from ..._desired.values import dig
from ..client.engine import Client
from ..client.errors import EngineError
from ..container.resource import masked
from ..values.image_reference import NAMELESS, short
from ..volume.observed import masked as masked_volume
from .lists import Kind, Listed

_STATES = ("created", "dead", "exited", "paused", "removing", "restarting", "running")


def _container_names(entry: Mapping[str, Any]) -> List[str]:
    # Links add names with a further slash to a list's.
    names = [str(name)[1:] for name in entry.get("Names") or (entry["Name"],)]
    return [name for name in names if "/" not in name]


def _container(answer: Mapping[str, Any]) -> Dict[str, Any]:
    """Return an inspect answer with secret values masked."""
    return masked(answer, ())


def _image_names(entry: Mapping[str, Any]) -> List[str]:
    tags = [tag for tag in entry.get("RepoTags") or () if tag != NAMELESS]
    return [short(tag) for tag in tags]


def _only_name(entry: Mapping[str, Any]) -> List[str]:
    return [str(entry["Name"])]


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
        result = {
            "exists": True,
            "kind": client.kind,
            "api": "{}.{}".format(*client.api),
            "version": version,
            "info": info,
            "counts": _counts(info),
        }
        return {**result, "disk_usage": _usage(answers[2])} if len(answers) > 2 else result

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
        return sum(max(int(dig(entry, path) or 0), 0) for entry in answer.get(key) or ())

    return {
        "images": int(answer.get("LayersSize") or 0),
        "containers": total("Containers", "SizeRw"),
        "volumes": total("Volumes", "UsageData.Size"),
        "build_cache": total("BuildCache", "Size"),
    }


CONTAINERS = Listed(
    Kind(
        "container",
        "/containers/json",
        "/containers/{}/json",
        "Id",
        _container_names,
        _container,
        _STATES,
    )
)
IMAGES = Listed(Kind("image", "/images/json", "/images/{}/json", "Id", _image_names, dict))
NETWORKS = Listed(Kind("network", "/networks", "/networks/{}", "Id", _only_name, dict))
VOLUMES = Listed(Kind("volume", "/volumes", "/volumes/{}", "Name", _only_name, masked_volume))
HOST = Host()
