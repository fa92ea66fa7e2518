"""Looking at containers and at the engine."""

from __future__ import annotations

import json
from typing import Any, Dict, Iterator, List

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import EngineMissing
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.look import Reader, report
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client import Client, unix_dial
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.info import CONTAINERS, HOST

from tests.lab.fake_engine import FakeEngine

OWNER = "dockyard.fleet.container"


@pytest.fixture
def fake() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        engine.add_image("app:1")
        with Client(unix_dial(engine.socket_path), 5) as client:
            record = json.dumps({"v": 1, "address": "container/web", "secret": ["TOKEN"]})
            labels = {"team": "shop", OWNER: record}
            env = ["LOG=info", "TOKEN=canary"]
            body = {"Image": "app:1", "Env": env, "Labels": labels}
            client.post("/containers/create", {"name": "web"}, body)
            client.post("/containers/create", {"name": "web-old"}, {"Image": "app:1"})
            client.post("/containers/web/start")
        yield engine


def look(fake: FakeEngine, reader: Reader, **params: Any) -> Dict[str, Any]:
    with Client(unix_dial(fake.socket_path), 5) as client:
        return report(reader, {"pending": {}, **params}, lambda: client)


def names(result: Dict[str, Any]) -> List[str]:
    return [one["name"] for one in result["containers"]]


def test_named_containers_come_in_order_and_missing_ones_are_said(fake: FakeEngine) -> None:
    result = look(fake, CONTAINERS, names=["gone", "web"])
    assert result["changed"] is False
    assert result["containers"][0] == {"name": "gone", "exists": False}
    assert result["containers"][1]["exists"] is True
    assert result["containers"][1]["State"]["Running"] is True


def test_without_names_and_filters_all_are_returned(fake: FakeEngine) -> None:
    assert sorted(names(look(fake, CONTAINERS))) == ["web", "web-old"]


def test_filters(fake: FakeEngine) -> None:
    assert names(look(fake, CONTAINERS, filters={"label": ["team=shop"]})) == ["web"]
    assert names(look(fake, CONTAINERS, filters={"state": ["created"]})) == ["web-old"]
    assert names(look(fake, CONTAINERS, filters={"name": ["old$"]})) == ["web-old"]
    assert names(look(fake, CONTAINERS, filters={"name": ["none"]})) == []


def test_names_and_filters_add_up_without_repeating(fake: FakeEngine) -> None:
    result = look(fake, CONTAINERS, names=["web-old"], filters={"name": ["web"]})
    assert names(result) == ["web-old", "web"]


def test_secret_values_are_masked(fake: FakeEngine) -> None:
    result = look(fake, CONTAINERS, names=["web"])
    assert "canary" not in json.dumps(result)
    env = result["containers"][0]["Config"]["Env"]
    assert {"LOG=info", "TOKEN=********"} <= set(env)


def test_the_engine(fake: FakeEngine) -> None:
    result = look(fake, HOST)
    assert (result["exists"], result["kind"], result["api"]) == (True, "docker", "1.41")
    assert result["version"]["Version"] == "20.10.24"
    assert result["info"]["Driver"] == "overlay2"
    assert (result["counts"]["containers"], result["counts"]["running"]) == (2, 1)
    assert "disk_usage" not in result
    assert fake.writes[3:] == []


def test_an_engine_still_to_come_is_empty_only_if_a_task_brings_it() -> None:
    def connect() -> Client:
        raise EngineMissing("there is no socket at /x")

    assert report(HOST, {"pending": {}}, connect)["failed"] is True
    coming = {"pending": {"engine": "docker.io will be installed"}}
    assert report(HOST, coming, connect) == {"changed": False, "exists": False}
    result = report(CONTAINERS, {**coming, "names": ["web"]}, connect)
    assert result == {"changed": False, "containers": [{"name": "web", "exists": False}]}
