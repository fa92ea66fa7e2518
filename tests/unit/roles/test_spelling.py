"""What YAML has misread is refused through the roles as well: their templates keep where it was."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Dict, List

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import InvalidOption
from ansible_collections.dockyard.fleet.plugins.plugin_utils.values.number_spelling import (
    check_spelling,
)

ROLE = Path(__file__).parents[3] / "roles" / "workloads"
_LOOKUP = re.compile(r"query\(.*\)(?= \|)")
DECLARED = """
workloads_container_defaults: {restart: always, environment: {ZONE: 1}}
workloads_containers:
  - name: web
    image: app:1
    environment: {T: 12:30, OCT: 0755, PLAIN: 8080, QUOTED: "12:30"}
    ports: [22:22, "80:80"]
    mem_limit: 0x10
"""
MISREAD = (
    "environment.T: YAML reads 12:30 as 750",
    "environment.OCT: YAML reads 0755 as 493",
    "ports[0]: YAML reads 22:22 as 1342",
    "mem_limit: YAML reads 0x10 as 16",
)


def options(tmp_path: Path, text: str) -> Any:
    """Return what the role gives its task about containers, for variables of a file."""
    given = tmp_path / "vars.yml"
    given.write_text(text)
    own = tmp_path / "main.yml"
    # Lookups of other lists want a whole Ansible; what they bring is joined to the first list.
    own.write_text(_LOOKUP.sub("[[]]", (ROLE / "vars" / "main.yml").read_text()))
    loader = DataLoader()

    def read(path: Path) -> Any:
        return loader.load_from_file(str(path), trusted_as_template=True)

    variables: Dict[str, Any] = {}
    for path in (ROLE / "defaults" / "main.yml", own, given):
        variables.update(read(path) or {})
    (task,) = read(ROLE / "tasks" / "containers.yml")
    variables["__workloads_name"] = "web"
    return Templar(loader, variables=variables).template(task["dockyard.fleet.declared"]["options"])


def told(found: Any) -> List[str]:
    with pytest.raises(InvalidOption) as raised:
        check_spelling(found, ())
    return [str(one) for one in raised.value.parts]


def test_a_misread_number_is_refused_through_the_role(tmp_path: Path) -> None:
    found = options(tmp_path, DECLARED)
    assert (found["restart"], found["environment"]["PLAIN"]) == ("always", 8080)
    assert told(found) == [f"{one}; put it in quotes" for one in MISREAD]


def test_a_misread_number_of_the_defaults_is_refused_too(tmp_path: Path) -> None:
    text = DECLARED.replace("restart: always", "stop_grace_period: 1:30, restart: always")
    assert "stop_grace_period: YAML reads 1:30 as 90; put it in quotes" in told(
        options(tmp_path, text)
    )
