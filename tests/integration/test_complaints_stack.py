"""What users of other tools complain of most about whole hosts of containers, each by a test."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.stack.resource import STACK

from tests.lab.boxes import SOCKET, docker
from tests.lab.busybox import BUSYBOX
from tests.lab.proxy import Proxy
from tests.lab.tasks import do

Params = dict[str, Any]
PROJECT = "fleet-complaints"
LABEL = f"label=com.docker.compose.project={PROJECT}"
WAITS = ["sh", "-c", "trap 'exit 0' TERM; sleep 1d & wait"]


def project(services: dict[str, Params], site: str = "") -> Params:
    """Return a task about a stack; `site` is the content of its config."""
    whole: Params = {
        "name": PROJECT,
        "services": {
            name: {"image": BUSYBOX, "command": WAITS, **keys} for name, keys in services.items()
        },
    }
    secret: Params = {}
    if site:
        secret = {"configs": {"site": b64encode(site.encode()).decode()}}
    return {"project": whole, "secret_values": secret, "monitor": "100ms"}


def apply(task: Params, socket: str = SOCKET, check: bool = False) -> Params:
    return do(STACK, socket, check=check, **task)


def ids() -> dict[str, str]:
    """Return the ids of the containers by service."""
    form = '{{.Label "com.docker.compose.service"}}-{{.ID}}'
    listed = docker("ps", "-a", "--filter", LABEL, "--format", form).split()
    return dict(entry.rsplit("-", 1) for entry in listed)


@pytest.fixture(autouse=True)
def clean(engine: None) -> Iterator[None]:
    yield
    result = do(STACK, SOCKET, name=PROJECT, state="absent", max_removals=99)
    assert not result.get("failed"), result["msg"]


def test_complaint_containers_02_one_task_for_all_of_them() -> None:
    """And one connection for what there is to look at."""
    task = project({f"web{number}": {} for number in range(12)})
    assert apply(task)["changed"]
    with Proxy(counted="all") as proxy:
        result = apply(task, proxy.socket_path)
        assert result["changed"] is False
        assert proxy.connections == 1


def test_complaint_containers_07_a_plan_that_a_program_can_read() -> None:
    task = project({"web": {}, "db": {}})
    planned = apply(task, check=True)
    steps = json.loads(json.dumps(planned["plan"]))["steps"]
    assert planned["changed"] is True
    assert ids() == {}
    made = [(step["verb"], step["address"]) for step in steps if step["verb"] == "create"]
    assert made == [
        ("create", f"network/{PROJECT}_default"),
        ("create", f"container/{PROJECT}-web-1"),
        ("create", f"container/{PROJECT}-db-1"),
    ]
    known = {step["id"] for step in steps}
    assert all(known.issuperset(step["needs"]) for step in steps)
    assert apply(task)["plan"]["steps"] == steps
    assert apply(task, check=True)["changed"] is False


def test_complaint_containers_10_a_new_content_of_a_config_reaches_its_containers() -> None:
    services: dict[str, Params] = {
        "web": {"configs": [{"source": "site", "target": "/etc/site.conf"}]},
        "other": {},
    }
    assert not apply(project(services, "old")).get("failed")
    before = ids()
    result = apply(project(services, "new"))
    assert not result.get("failed"), result["msg"]
    assert ids()["other"] == before["other"]
    assert ids()["web"] != before["web"]
    assert docker("exec", f"{PROJECT}-web-1", "cat", "/etc/site.conf") == "new"


def test_complaint_containers_11_an_update_that_fails_goes_back() -> None:
    deploy = {"replicas": 2, "update_config": {"failure_action": "rollback"}}
    assert not apply(project({"web": {"deploy": deploy}})).get("failed")
    names = docker("ps", "--no-trunc", "--filter", LABEL, "--format", "{{.Names}} {{.ID}}")
    # The first one comes up, the second one does not.
    command = ["sh", "-c", 'case "$(hostname)" in first) sleep 1d;; esac; exit 3']
    bad = project({"web": {"deploy": deploy, "command": command}})
    result = apply(bad)
    assert result["failed"]
    assert "exited with code 3" in result["msg"]
    assert "all containers of web are as before" in result["msg"]
    after = docker("ps", "--no-trunc", "--filter", LABEL, "--format", "{{.Names}} {{.ID}}")
    assert sorted(after.splitlines()) == sorted(names.splitlines())
