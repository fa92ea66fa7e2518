"""Labels that pass for ours: what is not known to be a thing's own permits nothing."""

from __future__ import annotations

import json
from typing import Any, Dict, Iterator

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired import ownership
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container.resource import (
    CONTAINER,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.info.readers import CONTAINERS
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.network.resource import NETWORK
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.run.resource import JOB
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.values.labels import own_labels
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.volume.resource import VOLUME

from tests.lab.fake_engine import FakeEngine
from tests.lab.tasks import do

OWNER = "dockyard.fleet.container"


@pytest.fixture
def fake() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        engine.add_image("app:1", cmd=["serve"])
        yield engine


@pytest.fixture
def client(fake: FakeEngine) -> Iterator[Client]:
    with Client(unix_dial(fake.socket_path), 5) as made:
        yield made


def create(client: Client, name: str, image: str = "app:1", **body: Any) -> str:
    made = client.post("/containers/create", {"name": name}, {"Image": image, **body})
    return str(made["Id"])


def apply(fake: FakeEngine, what: Any = CONTAINER, **params: Any) -> Dict[str, Any]:
    return do(what, fake.socket_path, **params)


WEB = {"name": "web", "image": "app:1", "monitor": "50ms"}


def test_what_an_image_cannot_know_is_its_containers_own() -> None:
    ours = json.dumps({"image": "sha256:1"})
    made = {"a": "1", "b": "2", OWNER: ours, "com.docker.compose.project": "shop"}
    assert own_labels(made, "sha256:1", None) == {OWNER: ours}
    assert own_labels(made, "sha256:2", None) == {}
    assert own_labels(made, "sha256:2", {"Labels": {"a": "1", "b": "1"}}) == {
        key: value for key, value in made.items() if key != "a"
    }
    composed = {**made, "com.docker.compose.image": "sha256:2"}
    assert own_labels(composed, "sha256:2", None) == {
        key: value for key, value in composed.items() if key.startswith("com.docker")
    }


OTHER_TYPES = [
    5,
    "[1]",
    "{",
    "[" * 100_000,
    '{"secret":5}',
    '{"carried":[{}]}',
    '{"of":[1]}',
    '{"address":1}',
    '{"replaces":{"id":5}}',
    '{"replaces":{"id":"x","restart":["no"]}}',
    '{"digests":{"a":1}}',
]


@pytest.mark.parametrize("label", OTHER_TYPES)
def test_a_label_of_other_types_says_nothing(label: Any) -> None:
    assert ownership.parse(label) == {}


def test_a_foreign_container_named_like_one_set_aside_stays(
    fake: FakeEngine, client: Client
) -> None:
    ident = create(client, "theirs")
    aside = f"web.old-{ident[:12]}"
    client.post("/containers/theirs/rename", {"name": aside})
    result = apply(fake, **WEB)
    assert (
        f"{aside} is named like a container that a replacement has set aside"
        in result["plan"]["notes"][0]
    )
    assert fake.names() == sorted([aside, "web"])
    removed = apply(fake, name="web", state="absent")
    assert removed["changed"] is True
    assert fake.names() == [aside]
    assert apply(fake, name="web", state="absent")["changed"] is False


def test_a_container_of_ours_that_was_set_aside_is_known_by_its_record(
    fake: FakeEngine, client: Client
) -> None:
    ident = apply(fake, **WEB)["container"]["Id"]
    client.post("/containers/web/rename", {"name": f"web.old-{ident[:12]}"})
    assert apply(fake, **WEB)["container"]["Id"] == ident
    assert fake.names() == ["web"]


def test_one_that_is_brought_back_is_in_its_networks_again(
    fake: FakeEngine, client: Client
) -> None:
    client.post("/networks/create", None, {"Name": "front"})
    task = {**WEB, "networks": ["front"]}
    ident = apply(fake, **task)["container"]["Id"]
    replaces = {"id": ident, "restart": ["no", 0], "running": True}
    record = json.dumps({"v": 1, "address": "container/web", "replaces": replaces})
    create(client, f"{ident[:12]}_web", Labels={OWNER: record})
    client.post("/containers/web/stop")
    result = apply(fake, **task)
    assert not result.get("failed"), result["msg"]
    assert [step["verb"] for step in result["plan"]["steps"]] == ["start", "remove"]
    assert result["container"]["Id"] == ident
    assert apply(fake, **task)["changed"] is False


def test_an_image_cannot_take_a_dependents_place(fake: FakeEngine, client: Client) -> None:
    apply(fake, **WEB)
    side = apply(fake, **{**WEB, "name": "side", "network_mode": "container:web"})["container"]
    note = json.dumps({"of": side["Id"], "running": False, "image": side["Image"]})
    fake.add_image("evil:1", cmd=["serve"], labels={"dockyard.fleet.dependent": note})
    evil = create(client, "evil", "evil:1")
    result = apply(fake, **WEB, user="1", dependents="replace")
    assert not result.get("failed"), result["msg"]
    assert fake.names() == ["evil", "side", "web"]
    assert fake.container("evil")["Id"] == evil
    assert fake.container("side")["Id"] not in (side["Id"], evil)
    assert fake.container("side")["State"]["Running"] is True


def test_a_container_whose_image_says_that_it_is_a_job_is_none(
    fake: FakeEngine, client: Client
) -> None:
    record = json.dumps({"v": 1, "address": "container/nightly", "job": True})
    fake.add_image("evil:1", cmd=["serve"], labels={OWNER: record})
    create(client, "nightly", "evil:1")
    result = apply(fake, JOB, name="nightly", image="app:1")
    assert "there is a container nightly that is not a job" in result["msg"]
    assert fake.names() == ["nightly"]


def test_a_commit_of_our_container_is_not_ours(fake: FakeEngine, client: Client) -> None:
    label = apply(fake, **WEB)["container"]["Config"]["Labels"][OWNER]
    apply(fake, name="web", state="absent")
    fake.add_image("committed:1", cmd=["serve"], labels={OWNER: label}, seed="committed")
    create(client, "web", "committed:1")
    listed = do(CONTAINERS, fake.socket_path, filters={"owned": True})
    assert listed["containers"] == []
    result = apply(fake, name="web", state="absent")
    assert "this container was not created by dockyard.fleet or Compose" in result["msg"]
    assert fake.names() == ["web"]


def test_a_container_with_a_helpers_name_is_not_written_into(
    fake: FakeEngine, client: Client, tmp_path: Any
) -> None:
    create(client, "dockyard.fleet-backup-data", Labels={"dockyard.fleet.helper": "volume/other"})
    apply(fake, VOLUME, name="data")
    result = apply(fake, VOLUME, name="data", backup=str(tmp_path / "data.tar"))
    assert result["msg"] == (
        "volume/data: there is a container dockyard.fleet-backup-data, and no record says that it"
        " is a helper of this collection; rename or remove it"
    )
    assert fake.names() == ["dockyard.fleet-backup-data"]


@pytest.mark.parametrize("part", ["endpoints", "body", "id", "name"])
def test_a_network_with_a_notes_label_alone_is_no_note(
    fake: FakeEngine, client: Client, part: str
) -> None:
    body = {"Name": "front"}
    note = {"address": "network/front", "id": "0" * 64, "body": body, "endpoints": {}}
    name = "mine" if part == "name" else f"front.old-{'0' * 12}"
    labels = {"dockyard.fleet.network.note": json.dumps({**note, part: [1]})}
    client.post("/networks/create", None, {"Name": name, "Labels": labels})
    assert apply(fake, NETWORK, name="front")["changed"] is True
    assert apply(fake, NETWORK, name="front", state="absent")["changed"] is True
    assert fake.network(name) is not None
