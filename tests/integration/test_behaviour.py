"""On the real engine: a rename, a restart that is asked for, and a replacement with dependents."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container.resource import (
    CONTAINER,
)

from tests.lab.boxes import SOCKET, Boxes, docker, inspect
from tests.lab.tasks import do

SLEEP = ["sleep", "1d"]
# The IPv6 addresses of this machine; not there without IPv6, or empty where it is switched off.
INET6 = Path("/proc/net/if_inet6")


@pytest.fixture(scope="module")
def boxes(engine: None) -> Iterator[Boxes]:
    with Boxes("way") as made:
        yield made
        assert made.orphans() == set()


def task(boxes: Boxes, name: str, **params: Any) -> dict[str, Any]:
    given = {"image": boxes.image("1"), "command": SLEEP, "monitor": "100ms", **params}
    return {"name": f"{boxes.prefix}-{name}", **given}


def run(params: dict[str, Any], check: bool = False) -> dict[str, Any]:
    return do(CONTAINER, SOCKET, check=check, **params)


def as_checked(params: dict[str, Any]) -> dict[str, Any]:
    """Apply a task; what was announced is what was done, and then there is nothing to do."""
    check = run(params, check=True)
    result = run(params)
    assert not result.get("failed"), result["msg"]
    assert result["plan"]["steps"] == check["plan"]["steps"]
    assert run({**params, "force_restart": False})["changed"] is False
    return result


def namespace(name: str, kind: str) -> str:
    """Return the namespace that a container's first process is in."""
    return os.readlink(f"/proc/{inspect(name)['State']['Pid']}/ns/{kind}")


def test_a_container_is_renamed_while_it_runs(boxes: Boxes) -> None:
    network = boxes.network("move")
    old = task(boxes, "old", networks=[network])
    run(old)
    before = inspect(old["name"])
    new = {**task(boxes, "new", networks=[network]), "moved_from": old["name"]}
    result = as_checked(new)
    after = inspect(new["name"])
    assert (after["Id"], after["State"]) == (before["Id"], before["State"])
    assert result["plan"]["text"].count("[") == 1
    assert as_checked({**new, "user": "1"})["replaced"] is True
    assert run({"name": new["name"], "state": "absent", "remove_volumes": True})["changed"] is True


def test_a_port_is_published_on_the_addresses_that_are_asked_for(boxes: Boxes) -> None:
    params = task(boxes, "ports", monitor="50ms")
    every = {"0.0.0.0"}
    cases = {"": every, "0.0.0.0:": {"0.0.0.0"}}
    if INET6.exists() and INET6.read_text():
        every.add("::")
        cases["[::]:"] = {"::"}
    else:
        print("this machine has no IPv6, so the engine publishes no port on it")
    for address, published in cases.items():
        result = as_checked({**params, "ports": [f"{address}:80"]})
        assert result["created"] or result["replaced"], address
        found = inspect(params["name"])["NetworkSettings"]["Ports"]["80/tcp"]
        assert {one["HostIp"] for one in found} == published, address
    assert run({"name": params["name"], "state": "absent", "remove_volumes": True})["changed"]


def test_a_container_is_restarted(boxes: Boxes) -> None:
    params = task(boxes, "again", restart="always", init=True, force_restart=True)
    assert run(params)["created"] is True
    before = inspect(params["name"])
    result = as_checked(params)
    after = inspect(params["name"])
    assert (result["restarted"], after["Id"] == before["Id"]) == (True, True)
    assert after["State"]["StartedAt"] > before["State"]["StartedAt"]
    dies = {**params, "command": ["sh", "-c", "test ! -e /data/flag || exit 3; exec sleep 1d"]}
    run(dies)
    docker("exec", params["name"], "touch", "/data/flag")
    told = run({**dies, "monitor": "30s"})
    assert "exited with code 3, and is being restarted" in told["msg"]
    assert run({"name": params["name"], "state": "absent", "remove_volumes": True})["changed"]


def test_dependents_are_replaced_with_it(boxes: Boxes) -> None:
    network = boxes.network("side")
    web = task(boxes, "web", ports=["127.0.0.1::80"])
    lender = f"container:{web['name']}"
    side = task(boxes, "web-side", network_mode=lender, restart="always", volumes=["/cache"])
    tail = task(
        boxes,
        "web-tail",
        pid=f"container:{side['name']}",
        networks={network: {"aliases": ["tail"]}},
        hostname="tail",
        secret_environment={"TOKEN": "hush"},
    )
    for params in (web, side, tail):
        result = run(params)
        assert not result.get("failed"), result["msg"]
    names = [params["name"] for params in (web, side, tail)]
    volumes = boxes.remember_volumes(names)
    docker("exec", side["name"], "sh", "-c", "echo kept >/cache/file")
    broken = {**web, "command": ["sh", "-c", "exit 3"], "dependents": "replace", "monitor": "30s"}
    assert "exited with code 3" in run(broken)["msg"]
    joined(*names)
    refused = run({**web, "user": "1"})
    assert "dependents: replace recreates them as well" in refused["msg"]
    result = as_checked({**web, "user": "1", "dependents": "replace"})
    assert {step["address"] for step in result["plan"]["steps"]} == {
        f"container/{name}" for name in names
    }
    joined(*names)
    assert docker("exec", side["name"], "cat", "/cache/file") == "kept"
    assert boxes.remember_volumes(names) == volumes
    assert "hush" not in str(result)
    for params in (side, tail):
        again = run(params)
        assert again["changed"] is False, again["plan"]["text"]
    gone = {"name": web["name"], "state": "absent"}
    assert f"state: absent: {side['name']} would be left" in run(gone)["msg"]
    as_checked({**gone, "dependents": "leave"})
    assert inspect(side["name"])["State"]["Running"] is True


def joined(web: str, side: str, tail: str) -> None:
    """The containers use each other's namespaces, and run."""
    assert namespace(side, "net") == namespace(web, "net")
    assert namespace(tail, "pid") == namespace(side, "pid")
    assert inspect(side)["HostConfig"]["RestartPolicy"]["Name"] == "always"
