"""Labels that nobody declared cause no step; those that were declared, and are not any more, do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container.resource import (
    CONTAINER,
)

from tests.lab.fake_engine import FakeEngine
from tests.lab.tasks import do

OWNER_LABEL = "dockyard.fleet.container"
COMPOSE = {"com.docker.compose.project": "shop", "com.docker.compose.service": "web"}


def plan(fake: FakeEngine, check: bool = True, **params: Any) -> str:
    """Return the plan of a container `web`, whose options are `params`."""
    given = {"name": "web", "image": "app:1", "monitor": "20ms", **params}
    return str(do(CONTAINER, fake.socket_path, check=check, **given)["plan"]["text"])


def labels(fake: FakeEngine) -> dict[str, str]:
    """Return the labels of the one container as the engine keeps them."""
    (container,) = fake.containers.values()
    result: dict[str, str] = container["Config"]["Labels"]
    return result


def test_one_that_another_tool_added_says_nothing(fake: FakeEngine) -> None:
    plan(fake, check=False, labels={"team": "blue"})
    labels(fake)["com.example.tool"] = "1"
    assert plan(fake, labels={"team": "blue"}) == "nothing to do\n"
    text = plan(fake, labels={"team": "red"})
    assert "labels.team: blue → red" in text
    assert "com.example.tool" not in text


def test_one_that_is_declared_no_more_is_dropped(fake: FakeEngine) -> None:
    plan(fake, check=False, labels={"team": "blue", "tier": "front"})
    labels(fake)["com.example.tool"] = "1"
    for declared in ({"team": "blue"}, {"team": "blue", "new": "1"}):
        text = plan(fake, labels=declared)
        assert "labels.tier: ******** → none" in text
        assert "com.example.tool" not in text
    assert "com.example.tool" not in plan(fake)


def test_one_that_is_declared_and_missing_or_different_counts(fake: FakeEngine) -> None:
    plan(fake, check=False, labels={"team": "blue", "tier": "front"})
    labels(fake)["team"] = "red"
    del labels(fake)["tier"]
    text = plan(fake, labels={"team": "blue", "tier": "front"})
    assert "labels.team: red → blue (changed outside)" in text
    assert "labels.tier: none → front (changed outside)" in text


def test_of_an_earlier_record_all_count_once_the_declaration_has_changed(fake: FakeEngine) -> None:
    plan(fake, check=False, labels={"team": "blue", "tier": "front"})
    record = json.loads(labels(fake)[OWNER_LABEL])
    assert record.pop("labels") == ["team", "tier"]
    labels(fake)[OWNER_LABEL] = json.dumps(record)
    labels(fake)["com.example.tool"] = "1"
    assert plan(fake, labels={"team": "blue", "tier": "front"}) == "nothing to do\n"
    assert "labels.tier: ******** → none" in plan(fake, labels={"team": "blue"})


@pytest.mark.parametrize(
    ("label", "counts"),
    [
        ("desktop.docker.io/ports.scheme", False),
        ("com.docker.extension", False),
        ("io.podman.compose.version", False),
        ("PODMAN_SYSTEMD_UNIT", False),
        # Compose's hash alone could tell that a file never had it.
        ("traefik.enable", True),
    ],
)
def test_of_what_compose_made_those_count_that_no_engine_adds(
    fake: FakeEngine, label: str, counts: bool
) -> None:
    with Client(unix_dial(fake.socket_path), 5) as client:
        body = {"Image": "app:1", "Labels": {**COMPOSE, label: "1"}}
        client.post("/containers/create", {"name": "web"}, body)
        client.post("/containers/web/start")
    text = plan(fake)
    assert (f"labels.{label}: ******** → none" in text) is counts
    assert counts or text == "nothing to do\n"
