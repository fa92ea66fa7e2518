"""Compose files that others wrote, as stacks on the real engine, and projects taken over.

Their images and build contexts are not there: a second file puts a stand-in in their place, with
a command that does nothing and is healthy. All else is as it was published.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab import engine_packages
from tests.lab.boxes import docker
from tests.lab.composed import corpus
from tests.lab.playing import Play

PROJECT = "fleet-corpus"
LABEL = f"label=com.docker.compose.project={PROJECT}"
KINDS = (("ps -aq", "rm -fv"), ("network ls -q", "network rm"), ("volume ls -q", "volume rm"))
STAND_IN = """  {name}:
    image: dev/busybox:1
    build: !reset null
    entrypoint: !reset null
    user: "0"
    platform: !reset null
    runtime: !reset null
    command: [sleep, 1d]
    init: true
    healthcheck: !override {{test: [CMD, "true"], interval: 1s}}
"""
ADOPTED = (
    "flask-redis",
    "gitea-postgres",
    "nginx-flask-mysql",
    "prometheus-grafana",
    "react-express-mysql",
    "wordpress-mysql",
)


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    """Leave the engine without anything of these tests."""
    for command, _remove in KINDS:
        assert docker(*command.split(), "--filter", LABEL) == ""
    yield
    for command, remove in KINDS:
        listed = docker(*command.split(), "--filter", LABEL).split()
        if listed:
            docker(*remove.split(), *listed)


class Copy:
    """A published file with its stand-ins, in a folder of its own."""

    def __init__(self, source: Path, folder: Path) -> None:
        self.folder = folder
        self.document: dict[str, Any] = yaml.safe_load((source / "compose.yaml").read_text())
        shutil.copy(source / "compose.yaml", folder)
        lines = [STAND_IN.format(name=name) for name in self.document["services"]]
        (folder / "stand-in.yaml").write_text("services:\n" + "".join(lines))
        for entry in (self.document.get("secrets") or {}).values():
            path = folder / entry["file"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("of no use to anybody")

    def task(self, **params: Any) -> dict[str, Any]:
        files = ["compose.yaml", "stand-in.yaml"]
        task = {"name": PROJECT, "files": files, "project_dir": str(self.folder), **params}
        return {"dockyard.fleet.stack": task}

    def compose(self, *words: str) -> str:
        """Run Docker Compose in the folder, and return what it printed."""
        command = [str(engine_packages.compose()), "-p", PROJECT]
        command += ["-f", "compose.yaml", "-f", "stand-in.yaml", *words]
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


pytestmark = pytest.mark.skipif(
    not corpus(), reason="no corpus of Compose files; COMPOSE_CORPUS names one"
)


@pytest.mark.parametrize("source", corpus(), ids=lambda source: source.name)
def test_it_runs_stays_and_goes_without_a_trace(source: Path, tmp_path: Path) -> None:
    copy = Copy(source, tmp_path)
    volumes = list(copy.document.get("volumes") or ())
    gone = {"name": PROJECT, "state": "absent", "destroy": [f"{PROJECT}_{key}" for key in volumes]}
    check, apply, again, absent = Play(tmp_path).run(
        {**copy.task(), "check_mode": True},
        copy.task(),
        copy.task(),
        {"dockyard.fleet.stack": gone},
    )
    if "address already in use" in apply.get("msg", ""):
        pytest.skip(f"a program of this machine has a port of its: {apply['msg']}")
    for result in (check, apply, again, absent):
        assert not result["failed"], result.get("msg")
    steps = [sorted((s["address"], s["verb"]) for s in r["plan"]["steps"]) for r in (check, apply)]
    assert steps[0] == steps[1]
    assert (apply["changed"], again["changed"], absent["changed"]) == (True, False, True)
    assert again["plan"]["steps"] == []
    for command, _remove in KINDS:
        assert docker(*command.split(), "--filter", LABEL) == ""


@pytest.mark.parametrize("name", ADOPTED)
def test_a_project_of_docker_compose_is_taken_over(name: str, tmp_path: Path) -> None:
    copy = Copy(next(entry for entry in corpus() if entry.name == name), tmp_path)
    copy.compose("up", "-d", "--no-build")
    service = next(iter(copy.document["services"]))
    changed = {"definition": {"services": {service: {"environment": {"CHANGED": "1"}}}}}
    taken, other, again = Play(tmp_path).run(
        copy.task(), copy.task(**changed), copy.task(**changed)
    )
    assert not taken["failed"], taken.get("msg")
    assert taken["plan"]["steps"] == [], taken["plan"]["text"]
    assert not other["failed"], other.get("msg")
    (container,) = other["stack"]["services"][service]
    assert {step["address"] for step in other["plan"]["steps"]} == {
        f"container/{container['name']}"
    }
    assert again["changed"] is False
    listed = copy.compose("ps", "--format", "{{.Name}}").split()
    assert container["name"] in listed
    assert len(listed) == len(copy.document["services"])
    copy.compose("down", "-v")
    for command, _remove in KINDS:
        assert docker(*command.split(), "--filter", LABEL) == ""
