"""A stack of Compose files on the real engine, by both front ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.amounts import ways
from tests.lab.boxes import docker
from tests.lab.playing import Play

PROJECT = "fleet-stack"
SECRET = "hush-hush-of-the-stack"
LABEL = f"label=com.docker.compose.project={PROJECT}"
COMPOSE = """
services:
  db:
    image: dev/busybox:1
    command: sleep 1d
    init: true
    volumes: [data:/data]
    healthcheck: {test: [CMD, test, -d, /data], interval: 200ms}
  migrate:
    image: dev/busybox:1
    command: [touch, /data/migrated]
    volumes: [data:/data]
    depends_on: {db: {condition: service_healthy}}
  web:
    image: dev/busybox:1
    command: sleep 1d
    init: true
    scale: 2
    env_file: web.env
    environment: {LOG: "${LOG:-info}"}
    depends_on: {migrate: {condition: service_completed_successfully}}
    secrets: [password]
    configs: [{source: site, target: /etc/site/site.conf, mode: 0440}]
  side:
    image: dev/busybox:1
    command: sleep 1d
    init: true
    network_mode: service:db
volumes: {data: {}}
secrets: {password: {file: password.txt}}
configs: {site: {content: "log ${LOG:-info}"}}
"""


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    """Leave the engine without anything of these tests."""
    sweep()
    yield
    sweep()


def sweep() -> None:
    for kind, remove in (("ps -aq", "rm -fv"), ("network ls -q", "network rm"), VOLUMES):
        listed = docker(*kind.split(), "--filter", LABEL).split()
        if listed:
            docker(*remove.split(), *listed)


VOLUMES = ("volume ls -q", "volume rm")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "compose.yaml").write_text(COMPOSE)
    (tmp_path / "web.env").write_text(f"TOKEN={SECRET}\n")
    (tmp_path / "password.txt").write_text(f"{SECRET}-too")
    return tmp_path


def stack(via: str, **params: Any) -> dict[str, Any]:
    files = {} if params.get("state") == "absent" else {"files": ["compose.yaml"]}
    task = {"name": PROJECT, "engine_via": via, "monitor": "100ms", **files, **params}
    return {"dockyard.fleet.stack": task}


def inspect(service: str, number: int = 1) -> dict[str, Any]:
    seen: list[dict[str, Any]] = json.loads(docker("inspect", f"{PROJECT}-{service}-{number}"))
    return seen[0]


@pytest.mark.parametrize("via", ways())
def test_a_whole_stack_by_one_task(folder: Path, via: str) -> None:
    play = Play(folder)
    check = {**stack(via), "check_mode": True}
    foreseen, first, again = play.run(check, stack(via), stack(via))
    assert not first["failed"], first.get("msg")
    assert [one["changed"] for one in (foreseen, first, again)] == [True, True, False]
    assert again["plan"]["steps"] == []
    announced = {(step["address"], step["verb"]) for step in foreseen["plan"]["steps"]}
    assert {(step["address"], step["verb"]) for step in first["plan"]["steps"]} == announced
    services = first["stack"]["services"]
    states = {name: [one["state"] for one in made] for name, made in services.items()}
    assert states == {
        "db": ["running"],
        "migrate": ["exited"],
        "side": ["running"],
        "web": ["running", "running"],
    }
    web = inspect("web", 2)
    assert {"LOG=info", f"TOKEN={SECRET}"} <= set(web["Config"]["Env"])
    assert docker("exec", web["Id"], "cat", "/run/secrets/password") == f"{SECRET}-too"
    assert docker("exec", web["Id"], "stat", "-c", "%a", "/etc/site/site.conf").strip() == "440"
    assert docker("exec", inspect("db")["Id"], "ls", "/data").split() == ["migrated"]
    assert inspect("side")["HostConfig"]["NetworkMode"] == f"container:{inspect('db')['Id']}"
    assert SECRET not in play.output + json.dumps([foreseen, first, again])

    kept = inspect("db")["Id"]
    (folder / "password.txt").write_text("another")
    changed, unchanged = play.run(stack(via), stack(via))
    assert [one["changed"] for one in (changed, unchanged)] == [True, False], changed.get("msg")
    causes = {step["cause"] for step in changed["plan"]["steps"]}
    assert causes == {"secrets./run/secrets/password: changed"}
    assert docker("exec", inspect("web")["Id"], "cat", "/run/secrets/password") == "another"
    assert inspect("db")["Id"] == kept

    gone, absent = play.run(stack(via, state="absent"), stack(via, state="absent"))
    assert [one["changed"] for one in (gone, absent)] == [True, False], gone.get("msg")
    assert docker("ps", "-aq", "--filter", LABEL) == ""
    assert docker("network", "ls", "-q", "--filter", LABEL) == ""
    assert docker("volume", "ls", "-q", "--filter", LABEL).split() == [f"{PROJECT}_data"]
    (destroyed,) = play.run(stack(via, state="absent", destroy=["data"]))
    assert destroyed["changed"] is True
    assert docker("volume", "ls", "-q", "--filter", LABEL) == ""


def test_an_update_that_does_not_come_up_leaves_what_was_there(folder: Path) -> None:
    play = Play(folder)
    first, failed, again = play.run(
        stack("channel"),
        # It ends at once; a busy machine may be slow to tell.
        stack("channel", definition={"services": {"web": {"command": ["false"]}}}, monitor="20s"),
        stack("channel"),
    )
    assert not first["failed"], first.get("msg")
    assert failed["failed"] is True
    assert "exited with code 1" in failed["msg"]
    assert [again["changed"], again["failed"]] == [False, False], again.get("msg")
    names = docker("ps", "-a", "--format", "{{.Names}}", "--filter", LABEL).split()
    assert sorted(names) == [f"{PROJECT}-{name}" for name in WHOLE]


WHOLE = ("db-1", "migrate-1", "side-1", "web-1", "web-2")


def test_what_is_wrong_is_told_at_once_and_nothing_is_changed(folder: Path) -> None:
    """With the file and the line, where it is in a file."""
    text = COMPOSE.replace("scale: 2", "scael: 2").replace("init: true", "privileged: maybe", 1)
    (folder / "compose.yaml").write_text(text)
    (result,) = Play(folder).run(stack("channel"))
    assert result["failed"] is True
    assert "services.web.scael" in result["msg"]
    assert "did you mean scale" in result["msg"]
    assert "services.db.privileged" in result["msg"]
    assert "compose.yaml" in result["msg"]
    assert docker("ps", "-aq", "--filter", LABEL) == ""


HOOKED = """
services:
  web:
    image: dev/busybox:1
    command: sleep 1d
    init: true
    user: "1000"
    volumes: [data:/data]
    ports: ["127.0.0.1:18999:80"]
    post_start:
      - command: [sh, -c, 'echo "up $$TOKEN" >> /data/log']
        user: "0"
        environment: {TOKEN: "${TOKEN}"}
    pre_stop:
      - {command: [sh, -c, 'echo "down by ${NAME:-one}" >> /data/log'], user: "0"}
      - {command: [sh, -c, 'echo "no, ${TOKEN}" >&2; exit 7'], environment: {TOKEN: "${TOKEN}"}}
  late:
    image: dev/busybox:1
    command: sleep 1d
    init: true
    depends_on: {web: {condition: service_started, restart: true}}
volumes: {data: {}}
"""


@pytest.mark.parametrize("via", ways())
def test_hooks_restarts_and_a_port_that_moves(folder: Path, via: str) -> None:
    (folder / "compose.yaml").write_text(HOOKED)
    play = Play(folder)
    env = {"TOKEN": SECRET}
    first, again = play.run(stack(via, env=env), stack(via, env=env))
    assert not first["failed"], first.get("msg")
    assert [one["changed"] for one in (first, again)] == [True, False], again.get("msg")
    late = inspect("late")["State"]["StartedAt"]
    (changed,) = play.run(stack(via, env={**env, "NAME": "two"}))
    assert not changed["failed"], changed.get("msg")
    (note,) = (one for one in changed["plan"]["notes"] if "pre_stop[1]" in one)
    assert "exited with code 7; its last words: no, ********" in note
    assert inspect("late")["State"]["StartedAt"] != late
    web = inspect("web")
    (restarted,) = play.run(stack(via, env={**env, "NAME": "two"}, force_restart=["web"]))
    assert restarted["restarted"] is True, restarted.get("msg")
    assert inspect("web")["Id"] == web["Id"]
    log = docker("exec", web["Id"], "cat", "/data/log").splitlines()
    up = f"up {SECRET}"
    assert log == [up, "down by one", up, "down by two", up]
    assert SECRET not in json.dumps([changed, restarted, web["Config"]["Labels"]])

    text = (folder / "compose.yaml").read_text()
    port = '    ports: ["127.0.0.1:18999:80"]\n'
    text = text.replace(port, "").replace("  late:\n", f"  late:\n{port}")
    (folder / "compose.yaml").write_text(text)
    (moved,) = play.run(stack(via, env={**env, "NAME": "two"}))
    assert not moved["failed"], moved.get("msg")
    assert "80/tcp" in inspect("late")["NetworkSettings"]["Ports"]
    (failed,) = play.run(
        stack(
            via,
            env={**env, "NAME": "two"},
            definition={"services": {"late": {"post_start": [{"command": ["false"]}]}}},
        )
    )
    assert failed["failed"] is True
    assert "post_start[0] exited with code 1" in failed["msg"]
    assert inspect("late")["State"]["Running"] is True
    (gone,) = play.run(stack(via, state="absent", destroy=["data"]))
    assert not gone["failed"], gone.get("msg")
    assert "pre_stop[1] is not run" in " ".join(gone["plan"]["notes"])
