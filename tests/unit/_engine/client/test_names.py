"""Names of all kinds: they mean what has them, and some no engine can be asked for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Dict, Iterator, List, Tuple

import pytest
from ansible.playbook.play_context import PlayContext
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import FleetError
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container.resource import (
    CONTAINER,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.copy.resource import COPY
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.exec.resource import EXEC
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.resource import IMAGE
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.info.logs import LOGS
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.info.readers import (
    CONTAINERS,
    IMAGES,
    NETWORKS,
    VOLUMES,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.network.resource import NETWORK
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.run.resource import JOB
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.volume.resource import VOLUME
from ansible_collections.dockyard.fleet.plugins.plugin_utils.connection.engine import Link
from ansible_collections.dockyard.fleet.plugins.plugin_utils.connection.errors import Unreachable
from ansible_collections.dockyard.fleet.plugins.plugin_utils.connection.exec import execute
from ansible_collections.dockyard.fleet.plugins.plugin_utils.connection.files import put
from ansible_collections.dockyard.fleet.plugins.plugin_utils.connection.open import open_link

from tests.lab.fake_engine import FakeEngine
from tests.lab.hostile import names as hostile_names
from tests.lab.tasks import do

Task = Tuple[Any, Dict[str, Any]]
TEXT = "a password that is meant for another"


@pytest.fixture
def fake() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        engine.add_image("app:1")
        made = do(CONTAINER, engine.socket_path, name="web", image="app:1", monitor="1ms")
        assert made["changed"]
        with Client(unix_dial(engine.socket_path), 5) as client:
            client.post("/networks/create", None, {"Name": "front"})
        engine.forget()
        yield engine


def linked(fake: FakeEngine, name: str, monkeypatch: pytest.MonkeyPatch) -> Link:
    """Return the inner part of the connection plugin."""
    link = Link(SimpleNamespace(get_option={"container": name}.get), PlayContext(), open_link)
    monkeypatch.setattr(link, "_client", Client(unix_dial(fake.socket_path), 5))
    return link


def tasks_inside(name: str) -> List[Task]:
    """Return tasks about the inside of a container."""
    return [
        (EXEC, {"container": name, "command": "cat", "stdin": TEXT}),
        (COPY, {"container": name, "content": TEXT, "dest": "/etc/password"}),
        (COPY, {"container": name, "src": "/etc/hostname", "dest": "/nowhere", "fetch": True}),
        (LOGS, {"container": name}),
    ]


def of_web(fake: FakeEngine) -> str:
    (box,) = fake.containers
    return box


@pytest.mark.parametrize("digits", [1, 2, 4, 12, 63])
def test_the_beginning_of_a_containers_id_names_none(
    fake: FakeEngine, digits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = of_web(fake)[:digits]
    before = dict(fake.files("web"))
    for what, params in tasks_inside(name):
        told = do(what, fake.socket_path, **params)
        assert told["msg"] == f"container: there is no container {name}; create it first"
    assert do(CONTAINERS, fake.socket_path, names=[name])["containers"] == [
        {"name": name, "exists": False}
    ]
    link = linked(fake, name, monkeypatch)
    for work, given in ((execute, [["cat"], TEXT.encode()]), (put, [__file__, "/etc/x"])):
        with pytest.raises(Unreachable, match=f"container {name} on this machine: there is none"):
            work(link, *given)
    if digits > 1:
        gone = do(CONTAINER, fake.socket_path, name=name, state="absent")
        renamed = do(CONTAINER, fake.socket_path, name="new", moved_from=name, state="stopped")
        assert not gone["changed"]
        assert renamed["failed"]
    assert fake.writes == []
    assert fake.files("web") == before


def test_the_beginning_of_another_kinds_id_names_none(fake: FakeEngine) -> None:
    network = next(ident for ident, one in fake.networks.items() if one["Name"] == "front")
    image = next(iter(fake.images))[7:]
    short = f"sha256:{image[:12]}"
    for what, given in (
        (IMAGES, {"names": [short]}),
        (IMAGE, {"name": short, "state": "absent"}),
        (CONTAINER, {"name": "new", "image": short}),
    ):
        assert "is not an image reference" in do(what, fake.socket_path, **given)["msg"]
    for reader, name in ((NETWORKS, network[:12]), (IMAGES, image[:12]), (VOLUMES, "dat")):
        (one,) = do(reader, fake.socket_path, names=[name])[reader.kind.plural]
        assert one["exists"] is False
    joined = {"name": "new", "image": "app:1", "networks": {network[:12]: {}}}
    told = do(CONTAINER, fake.socket_path, **joined)
    assert told["msg"].startswith(f"networks: the network {network[:12]} does not exist")
    for what, given in ((NETWORK, {"name": network[:12]}), (IMAGE, {"name": image[:12]})):
        assert not do(what, fake.socket_path, **given, state="absent")["changed"]
    assert fake.writes == []


def test_a_whole_id_and_dockers_own_spelling_are_names(
    fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (of_web(fake), "/web", "web"):
        for what, params in tasks_inside(name)[:2]:
            assert not do(what, fake.socket_path, **params).get("failed")
        assert do(LOGS, fake.socket_path, container=name)["container"]["name"] == "web"
        (one,) = do(CONTAINERS, fake.socket_path, names=[name])["containers"]
        assert one["name"] == "web"
        link = linked(fake, name, monkeypatch)
        assert execute(link, ["echo", "a"]).out == b"a\n"
    assert do(CONTAINER, fake.socket_path, name="/web", image="app:1")["changed"] is False
    network = next(ident for ident, one in fake.networks.items() if one["Name"] == "front")
    (one,) = do(NETWORKS, fake.socket_path, names=[network])["networks"]
    assert one["name"] == "front"


def every_task(name: str) -> List[Task]:
    """Return a task of each module with a name of any kind in each of its places."""
    return [
        *tasks_inside(name),
        *((reader, {"names": [name]}) for reader in (CONTAINERS, IMAGES, NETWORKS, VOLUMES)),
        *((what, {"name": name, "state": "absent"}) for what in (CONTAINER, NETWORK, VOLUME)),
        (IMAGE, {"name": name, "state": "absent"}),
        (CONTAINER, {"name": "new", "moved_from": name, "state": "stopped"}),
        (CONTAINER, {"name": "new", "image": "app:1", "network_mode": f"container:{name}"}),
        (CONTAINER, {"name": "new", "image": "app:1", "volumes_from": [name]}),
        (CONTAINER, {"name": "new", "image": "app:1", "links": [name]}),
        (CONTAINER, {"name": "new", "image": "app:1", "networks": {name: {}}}),
        (JOB, {"name": name, "image": "app:1", "pull_policy": "never"}),
    ]


@pytest.mark.parametrize("name", ["", "/", "//web", "web/", "..", "a/../b", "\ud800", "a\x1b[2J"])
def test_a_name_that_no_engine_can_be_asked_for_is_refused(
    fake: FakeEngine, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for what, params in every_task(name):
        told = do(what, fake.socket_path, **params)
        assert told.get("failed"), (what, params, told)
        assert told["msg"].isprintable(), told
        assert "engine" not in told["msg"]
    with pytest.raises(FleetError, match="container: "):
        execute(linked(fake, name, monkeypatch), ["id"])
    assert fake.writes == []


def test_hostile_names_get_an_answer(fake: FakeEngine) -> None:
    for name in hostile_names(150):
        for what, params in every_task(name):
            told = do(what, fake.socket_path, check=True, **params)
            told.get("msg", "").encode()
    assert fake.writes == []
