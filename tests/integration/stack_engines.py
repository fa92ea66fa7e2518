"""Stacks on each engine: thirty runs in which nothing is to be done, and updates in batches."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.stack.resource import STACK
from ansible_collections.dockyard.fleet.plugins.plugin_utils.action.project import with_project

from tests.integration.test_fields import ENGINES
from tests.lab.busybox import BUSYBOX
from tests.lab.core import run_validated, validated
from tests.lab.engines import Engine

RUNS = 30
SERVICE = """
  web{number}:
    image: {image}
    command: [sh, -c, "trap 'exit 0' TERM; sleep 1d & wait"]
    env_file: web.env
    environment: {{B: "2", A: "{number}"}}
    labels: {{two: "2", one: "1"}}
    networks: [front, back]
    volumes: ["data:/data", "/etc:/host-etc:ro"]
    tmpfs: [/scratch]
    configs: [site]
    healthcheck: {{test: [CMD, "true"], interval: 30s}}
    mem_limit: 32m
    pids_limit: 20
    cap_drop: [ALL]
    stop_grace_period: 2s
    restart: unless-stopped
"""


@pytest.mark.parametrize("name", ENGINES)
def test_thirty_runs_do_nothing(
    name: str, engine_of: Callable[[str], Engine], tmp_path: Path
) -> None:
    services = "".join(SERVICE.format(number=number, image=BUSYBOX) for number in range(20))
    rest = "networks: {front: {}, back: {internal: true}}\nvolumes: {data: {}}\n"
    configs = 'configs: {site: {content: "site"}}\n'
    (tmp_path / "compose.yaml").write_text(f"services:{services}{rest}{configs}")
    (tmp_path / "web.env").write_text("TOKEN=hush\n")
    engine = engine_of(name)
    loader = SimpleNamespace(get_basedir=lambda: str(tmp_path), get_real_file=lambda path: path)

    def run(**task: Any) -> dict[str, Any]:
        options = validated(STACK.spec(), {"name": "fleet-needless", **task}, known=True)
        with engine.client() as client:
            result = run_validated(STACK, with_project(options, loader), lambda: client)
        assert not result.get("failed"), result["msg"]
        return result

    declared = {"files": ["compose.yaml"], "monitor": "100ms"}
    try:
        assert run(**declared)["changed"]
        steps = [run(**declared)["plan"]["steps"] for _run in range(RUNS)]
        print(f"{name}: {RUNS} runs, {sum(map(len, steps))} steps")
        assert steps == [[]] * RUNS
    finally:
        run(state="absent", destroy=["data"], max_removals=99)


@pytest.mark.parametrize("order", ["stop-first", "start-first"])
@pytest.mark.parametrize("name", ENGINES)
def test_an_update_comes_up_or_goes_back(
    name: str, order: str, engine_of: Callable[[str], Engine]
) -> None:
    engine = engine_of(name)
    names = [f"fleet-update-web-{number}" for number in (1, 2, 3)]

    def run(command: str = "", **task: Any) -> dict[str, Any]:
        update = {"order": order, "failure_action": "rollback"}
        web = {
            "image": BUSYBOX,
            "command": ["sh", "-c", command],
            "restart": "always",
            "deploy": {"replicas": 3, "update_config": update},
        }
        project = {"name": "fleet-update", "services": {"web": web}}
        options = {"name": "fleet-update", "project": project, "monitor": "500ms", **task}
        with engine.client() as client:
            return run_validated(STACK, validated(STACK.spec(), options), lambda: client)

    def seen() -> dict[str, str]:
        with engine.client() as client:
            listed = client.get("/containers/json", {"all": True})
            inspected = [client.get(f"/containers/{entry['Id']}/json") for entry in listed]
        ours = [one for one in inspected if "fleet-update" in one["Name"]]
        assert all(one["State"]["Running"] for one in ours), [one["State"] for one in ours]
        policies = {one["HostConfig"]["RestartPolicy"]["Name"] for one in ours}
        assert policies == {"always"}
        return {one["Name"].lstrip("/"): one["Id"] for one in ours}

    try:
        assert not run("trap 'exit 0' TERM; sleep 1d & wait").get("failed")
        before = seen()
        result = run("trap 'exit 0' TERM; sleep 2d & wait")
        assert not result.get("failed"), result["msg"]
        good = seen()
        assert sorted(good) == names
        assert not set(good.values()) & set(before.values())
        result = run("exit 3")
        assert result["failed"]
        assert "all containers of web are as before" in result["msg"]
        assert result["changed"] is False
        assert seen() == good
        assert run("trap 'exit 0' TERM; sleep 2d & wait")["changed"] is False
    finally:
        run(state="absent", max_removals=99)
