"""What an inventory holds, as a play sees it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.asking import Desk

_LOOK = {
    "name": "look",
    "ansible.builtin.debug": {"msg": {"groups": "{{ groups }}", "hosts": "{{ hostvars }}"}},
}


@dataclass
class Listed:
    """Groups by name; variables of each host; what Ansible printed on the way."""

    groups: dict[str, list[str]]
    hosts: dict[str, dict[str, Any]]
    output: str

    def containers(self) -> set[str]:
        return set(self.groups.get("containers", ()))


def listed(desk: Desk, source: dict[str, Any], *options: str) -> Listed:
    """Return the inventory of the desk's hosts and of the containers that a source adds.

    The file of the source is always the same, as its cache wants it.
    """
    path = source_file(desk.folder, source)
    told = desk.run(_LOOK, hosts="localhost", options=(*options, "-i", str(path)))
    if told.status:
        return Listed({}, {}, told.output)  # it has failed
    seen = told.good("localhost", "look")["msg"]
    return Listed(seen["groups"], seen["hosts"], told.output)


def source_file(folder: Path, source: dict[str, Any]) -> Path:
    """Write the configuration of the inventory plugin; return its file."""
    path = folder / "containers.yml"
    path.write_text(json.dumps({"plugin": "dockyard.fleet.containers", **source}))
    return path
