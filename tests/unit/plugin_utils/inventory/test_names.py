"""Names that are made of what engines say."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import FleetError
from ansible_collections.dockyard.fleet.plugins.plugin_utils.inventory.names import (
    groups_of,
    host_name,
)

INVENTORY = SimpleNamespace(hosts={"db1": None}, groups={"all": None, "web": None})


@pytest.mark.parametrize("name", ["web.db1", "shop-web-1.db1.example.com", "web.2001:db8::1"])
def test_a_name_that_fits_is_taken(name: str) -> None:
    assert host_name(name, INVENTORY) == name


@pytest.mark.parametrize(
    "value",
    [
        *("db1", "web", "all", "localhost", "127.0.0.1", "", "a b", "a,b", "a\n", "!web", "web*"),
        *("~web", "&web", "web[0]", "{{ x }}", "-i", "x" * 256, 5, None, ["web.db1"]),
    ],
)
def test_a_name_that_means_something_else_is_refused(value: Any) -> None:
    with pytest.raises(FleetError):
        host_name(value, INVENTORY)


def test_groups_are_of_what_there_is() -> None:
    facts = {
        "container_project": "shop",
        "container_service": "",
        "container_image": "sha256:" + "2" * 64,
        "container_labels": {"tier": "front", "flag": "", "long": "x" * 300},
    }
    words = ["project", "service", "image"]
    made = list(groups_of(facts, words, ["tier", "flag", "long", "none"]))
    assert made == ["project_shop", "label_tier_front", "label_flag"]
