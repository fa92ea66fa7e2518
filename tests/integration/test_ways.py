"""One container task over SSH, by the three ways that users have to an engine."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.lab.playing import Play
from tests.lab.servers import Server, start, stop

# Who logs in, and what the task then goes by.
WAYS = {"dock": "forward", "sudoer": "relay", "sudopw": "relay"}
_OWN = re.compile(r"[0-9a-f]{64}|\b[0-9a-f]{12}\b|\d{4}-\d\d-\d\dT[\d:.]+Z")


@pytest.fixture(scope="module")
def servers(
    tmp_path_factory: pytest.TempPathFactory, server_images: dict[str, str]
) -> Iterator[dict[str, Server]]:
    tag = uuid.uuid4().hex[:6]
    names = [f"fleet-way-{user}-{tag}" for user in WAYS]
    try:
        made = start(names, tmp_path_factory.mktemp("servers"), variant="docker")
        for server in made:
            server.exec("docker", "import", "/usr/local/share/lab/busybox.tar", "dev/busybox:1")
        yield dict(zip(WAYS, made))
    finally:
        stop(names)


def task() -> dict[str, Any]:
    return {
        "dockyard.fleet.container": {
            "name": "web",
            "image": "dev/busybox:1",
            "command": ["sleep", "1d"],
            "environment": {"LOG": "info"},
            "secret_environment": {"TOKEN": "hush"},
            "restart": "unless-stopped",
            "monitor": "200ms",
            "engine_via": "auto",
        }
    }


def test_three_ways_one_result(
    servers: dict[str, Server], tmp_path_factory: pytest.TempPathFactory
) -> None:
    def run(user: str) -> list[dict[str, Any]]:
        play = Play(tmp_path_factory.mktemp(user), servers[user].inventory_vars(user))
        (planned,) = play.run(task(), options=("--check",))
        return [planned, *play.run(task(), task())]

    with ThreadPoolExecutor(3) as pool:
        results = dict(zip(WAYS, pool.map(run, WAYS)))
    for user, (planned, first, again) in results.items():
        assert not first["failed"], first["msg"]
        assert (first["created"], again["changed"]) == (True, False)
        assert planned["plan"]["steps"] == first["plan"]["steps"]
        assert first["engine_way"]["name"] == WAYS[user], first["engine_way"]
        box = json.loads(servers[user].exec("docker", "inspect", "web"))[0]
        assert box["State"]["Running"] is True
        assert box["Id"] == again["container"]["Id"]
    one, *others = [told(first) for _planned, first, _again in results.values()]
    assert others == [one, one]


def test_a_task_that_is_not_waited_for(
    servers: dict[str, Server], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """`async` runs the module on the host: Ansible's job there outlives the task."""
    play = Play(tmp_path_factory.mktemp("job"), servers["dock"].inventory_vars("dock"))
    job = {"dockyard.fleet.container": {**task()["dockyard.fleet.container"], "name": "job"}}
    begun, ended, again = play.run(
        {**job, "async": 60, "poll": 0, "register": "job"},
        {
            "ansible.builtin.async_status": {"jid": "{{ job.ansible_job_id }}"},
            "until": "it.finished",
            "retries": 120,
            "delay": 0.5,
        },
        {**job, "async": 60, "poll": 1},
        options=("-vvv",),
    )
    assert begun["finished"] is False, begun
    assert not ended["failed"], ended["msg"]
    assert (ended["created"], again["changed"]) == (True, False)
    assert ended["engine_way"]["name"] == "target"
    assert "hush" not in play.output
    # Ansible keeps each job's result there.
    kept = servers["dock"].exec("sh", "-c", "cat /home/dock/.ansible_async/*")
    assert '"TOKEN=' in kept
    assert "hush" not in kept
    box = json.loads(servers["dock"].exec("docker", "inspect", "job"))[0]
    assert (box["Id"], box["State"]["Running"]) == (again["container"]["Id"], True)


def told(result: dict[str, Any]) -> dict[str, Any]:
    """Return a result without what differs from server to server."""
    made = {key: value for key, value in result.items() if key != "engine_way"}
    made["container"]["Config"].pop("Labels")  # holds the salt of its record
    made["container"].pop("NetworkSettings")
    made["container"]["State"].pop("Pid")
    made["plan"].pop("fingerprint")
    plain: dict[str, Any] = json.loads(_OWN.sub("<own>", json.dumps(made, sort_keys=True)))
    return plain
