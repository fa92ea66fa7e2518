"""Looking at containers and at the engine."""

from __future__ import annotations

import json
from typing import Any, Dict, Iterator, List

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import EngineMissing
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.info import Reader, report
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.info.readers import (
    CONTAINERS,
    HOST,
    IMAGES,
    NETWORKS,
    VOLUMES,
)

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


def test_each_name_has_an_answer_though_two_mean_the_same(fake: FakeEngine) -> None:
    with Client(unix_dial(fake.socket_path), 5) as client:
        client.post("/images/app:1/tag", {"repo": "app", "tag": "latest"})
    asked = ["app:latest", "none:1", "app:1", "app"]
    found = look(fake, IMAGES, names=asked, filters={})["images"]
    assert [one["name"] for one in found] == ["app:latest", "none:1", "app:1", "app:latest"]


@pytest.mark.parametrize("reader", [CONTAINERS, IMAGES, NETWORKS, VOLUMES])
def test_an_empty_name_is_no_name(fake: FakeEngine, reader: Reader) -> None:
    told = look(fake, reader, names=["web", ""])["msg"]
    assert told.startswith(("names[1]: is empty; ", "names[1]: '' is not an image reference; "))


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


def test_one_set_of_filters_for_every_kind(fake: FakeEngine) -> None:
    with Client(unix_dial(fake.socket_path), 5) as client:
        for kind in ("network", "volume"):
            record = json.dumps({"v": 1, "address": f"{kind}/ours"})
            ours = {"team": "shop", f"dockyard.fleet.{kind}": record}
            for name, labels in (("ours", ours), ("theirs", {"team": "web"})):
                client.post(f"/{kind}s/create", None, {"Name": name, "Labels": labels})
    for reader, key in ((NETWORKS, "networks"), (VOLUMES, "volumes")):
        for filters, found in (
            ({"owned": True}, ["ours"]),
            ({"owned": False, "name": ["^th"]}, ["theirs"]),
            ({"label": ["team"], "name": ["s$"]}, ["ours", "theirs"]),
            ({"label": ["team=web"]}, ["theirs"]),
            ({"engine": {"label": "team=shop"}}, ["ours"]),
            ({"name": ["none of it"]}, []),
        ):
            result = look(fake, reader, filters=filters)
            assert sorted(one["name"] for one in result[key]) == found, filters
        named = look(fake, reader, names=["theirs", "gone"])[key]
        assert [(one["name"], one["exists"]) for one in named] == [
            ("theirs", True),
            ("gone", False),
        ]
    assert [one["name"] for one in look(fake, IMAGES, filters={"name": ["^app"]})["images"]] == [
        "app:1"
    ]
    assert look(fake, IMAGES, filters={"owned": True})["images"] == []
    assert names(look(fake, CONTAINERS, filters={"owned": True})) == ["web"]
    broken = look(fake, CONTAINERS, filters={"name": ["("]})
    assert broken["msg"].startswith("filters.name[0]: '(' is not a regular expression")


def test_passwords_of_a_volume_are_masked(fake: FakeEngine) -> None:
    record = json.dumps({"v": 1, "address": "volume/data", "secret": ["key"]})
    body = {
        "Name": "data",
        "Labels": {"dockyard.fleet.volume": record},
        "DriverOpts": {"o": "username=me,password=canary,ro", "key": "canary", "type": "cifs"},
    }
    with Client(unix_dial(fake.socket_path), 5) as client:
        client.post("/volumes/create", None, body)
    (seen,) = look(fake, VOLUMES, names=["data"])["volumes"]
    mask = "********"
    assert seen["Options"] == {"o": f"username=me,password={mask},ro", "key": mask, "type": "cifs"}


def test_a_volume_without_options_is_shown_as_the_engine_does(fake: FakeEngine) -> None:
    with Client(unix_dial(fake.socket_path), 5) as client:
        client.post("/volumes/create", None, {"Name": "data"})
        said = client.get("/volumes/data")
    assert said["Options"] is None
    (volume,) = look(fake, VOLUMES, names=["data"])["volumes"]
    assert volume == {"name": "data", "exists": True, **said}
