"""What the inventory plugin says of itself, in its guide, and to the code that reads options."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.dockyard.fleet.plugins.connection import container
from ansible_collections.dockyard.fleet.plugins.inventory import containers
from ansible_collections.dockyard.fleet.plugins.plugin_utils.inventory import login
from ansible_collections.dockyard.fleet.plugins.plugin_utils.inventory.facts import SHAPES

from tests.unit.test_docs import documented

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "container-inventory.md").read_text()
TEXT = containers.DOCUMENTATION
OPTIONS: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["options"]
CONSTRUCTED = {"compose", "groups", "keyed_groups", "strict"}
CACHE = {"cache", "cache_plugin", "cache_connection", "cache_timeout"}
VARIABLES = {*SHAPES, "container_host"}


def test_every_variable_is_described() -> None:
    assert set(re.findall(r"C\((container_\w+)\)", TEXT)) - {"container_hosts"} == VARIABLES
    below = PAGE.partition("\n## Variables\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"`(container_\w+)`", below)) == VARIABLES


def test_the_guide_names_every_option_but_those_of_the_engine() -> None:
    wanted = {name for name in OPTIONS if not name.startswith("engine_")}
    assert {name for name in wanted if not re.search(rf"\b{name}\b", PAGE)} == set()


def test_engines_are_described_by_the_connections_options() -> None:
    theirs = yaml.safe_load(container.DOCUMENTATION)["options"]
    ours = {name for name in OPTIONS if name.startswith("engine_")}
    assert ours == set(login.ENGINE) == {name for name in theirs if name.startswith("engine_")}


def test_variables_that_are_set_are_the_connections() -> None:
    theirs = yaml.safe_load(container.DOCUMENTATION)["options"]
    known = {entry["name"] for option in theirs.values() for entry in option["vars"]}
    set_by_us = {*login._LOGIN, *login._BECOME, *login._PASSWORDS}
    set_by_us |= {f"ansible_container_{name}" for name in login.ENGINE}
    assert set_by_us <= known


def test_states_and_filters_are_those_of_container_info() -> None:
    module = documented(ROOT / "plugins" / "modules" / "container_info.py")["options"]["filters"]
    assert OPTIONS["states"]["choices"] == module["suboptions"]["state"]["choices"]


def test_examples_use_options_that_are_there() -> None:
    examples = list(yaml.safe_load_all(containers.EXAMPLES))
    assert len(examples) > 2
    for example in examples:
        assert example["plugin"] == containers.InventoryModule.NAME
        assert set(example) <= {*OPTIONS, *CONSTRUCTED, *CACHE}
