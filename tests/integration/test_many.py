"""Hundreds of containers on a real engine, and names that are the beginnings of their ids."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from ansible.playbook.play_context import PlayContext
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.errors import (
    EngineError,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container.resource import (
    CONTAINER,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.copy.resource import COPY
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.exec.resource import EXEC
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.info.logs import LOGS
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.info.readers import (
    CONTAINERS,
    IMAGES,
    NETWORKS,
)
from ansible_collections.dockyard.fleet.plugins.plugin_utils.connection.engine import Link
from ansible_collections.dockyard.fleet.plugins.plugin_utils.connection.errors import Unreachable
from ansible_collections.dockyard.fleet.plugins.plugin_utils.connection.exec import execute
from ansible_collections.dockyard.fleet.plugins.plugin_utils.connection.open import open_link

from tests.lab.tasks import do
from tests.lab.ways import SOCKET

MANY = 300
IMAGE = "dev/busybox:1"


@pytest.fixture(scope="module")
def crowd() -> Iterator[dict[str, str]]:
    """Return the ids of many containers by name; they are made, and not started."""
    prefix = f"fleet-many-{uuid.uuid4().hex[:6]}"
    names = [f"{prefix}-{number}" for number in range(MANY)]
    body = {"Image": IMAGE, "Cmd": ["true"], "HostConfig": {"NetworkMode": "none"}}

    def each(work: str) -> list[str]:
        def one(name: str) -> str:
            with Client(unix_dial(SOCKET), 60) as client, contextlib.suppress(EngineError):
                if work == "make":
                    return str(client.post("/containers/create", {"name": name}, body)["Id"])
                client.delete(f"/containers/{name}", {"force": True})
            return ""

        with ThreadPoolExecutor(8) as pool:
            return list(pool.map(one, names))

    try:
        yield dict(zip(names, each("make")))
    finally:
        each("remove")


def test_tasks_look_at_all_of_them(crowd: dict[str, str]) -> None:
    pattern = {"name": [f"^{next(iter(crowd))[:17]}"]}
    seen = do(CONTAINERS, SOCKET, filters=pattern)["containers"]
    assert sorted(one["Id"] for one in seen) == sorted(crowd.values())
    name = next(iter(crowd))
    task = {"name": name, "image": IMAGE, "command": "true", "network_mode": "none"}
    other = do(CONTAINER, SOCKET, check=True, **task, adopt=True, state="present", init=True)
    assert other["replaced"], other
    gone = do(CONTAINER, SOCKET, name=name, state="absent", adopt=True)
    assert gone["changed"], gone


@pytest.mark.parametrize("digits", [6, 12, 63])
def test_the_beginning_of_an_id_is_no_name(crowd: dict[str, str], digits: int) -> None:
    few = list(crowd.values())[-1][:digits]
    with Client(unix_dial(SOCKET), 60) as client:
        assert client.get(f"/containers/{few}/json")["Id"].startswith(few)  # the engine takes it
        network = client.get("/networks/bridge")["Id"][:digits]
        image = client.get(f"/images/{IMAGE}/json")["Id"].partition(":")[2][:digits]
    for reader, name in ((CONTAINERS, few), (NETWORKS, network), (IMAGES, image)):
        (one,) = do(reader, SOCKET, names=[name])[reader.kind.plural]
        assert one["exists"] is False, one
    for what, given in (
        (EXEC, {"command": "id"}),
        (COPY, {"content": "secret", "dest": "/etc/x"}),
        (LOGS, {}),
    ):
        told = do(what, SOCKET, container=few, **given)
        assert told["msg"] == f"container: there is no container {few}; create it first"
    for option, value in (("network_mode", f"container:{few}"), ("volumes_from", [few])):
        task = {"name": f"fleet-many-{few}", "image": IMAGE, option: value}
        told = do(CONTAINER, SOCKET, **task)
        assert f"the container {few} does not exist" in told["msg"]
    assert do(CONTAINER, SOCKET, name=few, state="absent", adopt=True)["changed"] is False
    options = {"container": few, "engine_timeout": 20}
    link = Link(SimpleNamespace(get_option=options.get, _shell=None), PlayContext(), open_link)
    with pytest.raises(Unreachable, match="there is none"):
        execute(link, ["id"])
    link.close()


@pytest.mark.parametrize("name", ["/x", "..", "a/../b", "", "a//b"])
def test_no_redirect_counts_as_an_answer(crowd: dict[str, str], name: str) -> None:
    for what, given in ((EXEC, {"command": "id"}), (LOGS, {})):
        told = do(what, SOCKET, container=name, **given)
        assert told["failed"]
        assert told["msg"].startswith("container: ")
    for reader in (CONTAINERS, NETWORKS, IMAGES):
        told = do(reader, SOCKET, names=[name])
        assert told.get("failed") or told[reader.kind.plural][0]["exists"] is False
