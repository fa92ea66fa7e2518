"""What the connection plugin says of itself, in its guide, and to the code that reads options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from ansible_collections.dockyard.fleet.plugins.connection.container import DOCUMENTATION
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.options import (
    engine_options,
)
from ansible_collections.dockyard.fleet.plugins.plugin_utils.connection import open
from ansible_collections.dockyard.fleet.plugins.plugin_utils.connection.engine import DECIDES

PAGE = Path(__file__).parents[2] / "docs" / "container-connection.md"
OPTIONS: dict[str, dict[str, Any]] = yaml.safe_load(DOCUMENTATION)["options"]


def test_the_guide_names_every_variable() -> None:
    """In a row of names that begin alike, later ones are cut short."""
    page = PAGE.read_text()
    names = [one["name"] for option in OPTIONS.values() for one in option["vars"]]
    short = {name: "…" + name.removeprefix("ansible_container") for name in names}
    inherited = {"inventory_hostname"}
    missing = [name for name in names if f"`{name}`" not in page and f"`{short[name]}`" not in page]
    assert set(missing) == inherited


def test_every_option_that_is_read_is_documented() -> None:
    read = {*DECIDES, *open._SSH, *open._HOST, *open._ENGINE}
    assert read <= set(OPTIONS)


def test_the_engine_is_described_by_the_modules_options() -> None:
    told = {name for name in OPTIONS if name.startswith("engine_")}
    assert told == set(engine_options()) - {"engine_via", "pending"}


def test_no_option_is_named_like_a_keyword_of_tasks() -> None:
    """Ansible would hand the keyword's value to the plugin."""
    from ansible.playbook.task import Task

    allowed = {"remote_user"}  # meant so: it is the user in the container
    assert set(OPTIONS) & set(Task.fattributes) <= allowed
