"""Runs killed on the real engine: nothing is lost, and the next run converges.

They die after every call that writes; tests/unit/faults has the calls that read as well. One that
does not come up takes as long as the others together: it is in `make test-faults`.
"""

from __future__ import annotations

import collections
import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.lab.amounts import ways
from tests.lab.boxes import SOCKET, Boxes, docker, mountpoint
from tests.lab.corework import Crew
from tests.lab.killing import (
    ALL,
    POINTS,
    Params,
    Seen,
    Story,
    converges,
    deaths,
    look,
    still_there,
)
from tests.lab.playing import Play
from tests.lab.proxy import Proxy

WORKERS = 3
HEALTHY = {"test": ["CMD", "true"], "interval": "200ms"}
NEVER = {"test": ["CMD", "false"], "interval": "200ms", "retries": 2}
STORIES = ("create", "replace", "remove", *(["replace by an unhealthy one"] if ALL else []))


class Yard:
    """Boxes, two networks, and processes that run the core."""

    def __init__(self, boxes: Boxes, crew: Crew) -> None:
        self.boxes = boxes
        self.crew = crew
        self.networks = {boxes.network("front"): {"aliases": ["shop"]}, boxes.network("back"): {}}
        self._numbers = itertools.count(1)

    def story(self, kind: str) -> Story:
        """Return a story about a container with a name of its own."""
        name = f"{self.boxes.prefix}-{next(self._numbers):03}"
        old: Params = {
            "name": name,
            "image": self.boxes.image("1"),
            "secret_environment": {"TOKEN": "hush"},
            "networks": self.networks,
            "restart": "unless-stopped",
            "healthcheck": HEALTHY,
            "wait": "healthy",
            "wait_timeout": "60s",
        }
        new = {**old, "image": self.boxes.image("2"), "restart": "always"}
        if kind == "create":
            return Story(kind, old)
        if kind == "remove":
            return Story(kind, {"name": name, "state": "absent"}, old, "none")
        if kind == "replace":
            return Story(kind, new, old)
        return Story(kind, {**new, "healthcheck": NEVER}, old, "old", False)


class Stage:
    """One story prepared on the real engine, whose task runs through a proxy with faults."""

    def __init__(self, yard: Yard, kind: str) -> None:
        self.yard = yard
        self.story = yard.story(kind)
        self.name = self.story.task["name"]
        self.proxy = Proxy()

    def __enter__(self) -> Stage:
        self.proxy.__enter__()
        if self.story.before is not None:
            result = self.run(self.story.before)
            assert not result.get("failed"), result["msg"]
            docker("exec", self.name, "sh", "-c", "echo precious > /data/kept")
            self.yard.boxes.remember_volumes([self.name])
        self.before = self.look()
        return self

    def __exit__(self, *exc: Any) -> None:
        boxes = list(self.look().values())
        self.yard.boxes.remember_volumes(box.id for box in boxes)
        for box in boxes:
            docker("rm", "-f", box.id)
        self.proxy.__exit__(*exc)

    def run(self, params: Params, socket: str = SOCKET) -> dict[str, Any]:
        """Run a task and return its result, {} if a fault killed it."""
        outcome = self.yard.crew.run(params, socket)
        assert outcome.signal in (0, 9)
        assert "Traceback" not in outcome.result.get("msg", ""), outcome.result
        return outcome.result

    def look(self) -> dict[str, Seen]:
        """Return the containers there are, by name."""
        return look(SOCKET, self.name)

    def keeps_its_data(self, where: str) -> None:
        """What was written into the anonymous volume is still there, in use or not."""
        for volume in (one for box in self.before.values() for one in box.volumes):
            assert (mountpoint(volume) / "kept").read_text() == "precious\n", where
            if self.story.after != "none":
                assert docker("exec", self.name, "cat", "/data/kept") == "precious", where


@pytest.fixture(scope="module")
def yard(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    with Boxes("kill") as boxes, Crew(tmp_path_factory.mktemp("locks"), WORKERS) as crew:
        yield Yard(boxes, crew)


@pytest.mark.parametrize("kind", STORIES)
def test_nothing_is_lost_and_the_next_run_converges(
    kind: str, yard: Yard, record_property: Callable[[str, object], None]
) -> None:
    def point(fault: str, number: int) -> None:
        with Stage(yard, kind) as stage:
            stage.proxy.faults.at(number, fault)
            result = stage.run(stage.story.task, stage.proxy.socket_path)
            assert stage.proxy.faults.hits, f"{fault} {number}"
            where = stage.proxy.faults.hits[0]
            assert result == {}, f"{where}: the process lived on"
            still_there(stage, where)
            converges(stage, where)
            stage.keeps_its_data(where)

    points = deaths(len(writes(yard, kind)), every=ALL)
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda one: point(*one), points))
    assert yard.boxes.orphans() == set()
    for fault, count in collections.Counter(fault for fault, _number in points).items():
        record_property(f"{POINTS}{fault}, {kind}, on the real engine", count)


def writes(yard: Yard, kind: str) -> list[str]:
    """Return the paths of what a run that nobody kills writes to the engine."""
    with Stage(yard, kind) as stage:
        stage.run(stage.story.task, stage.proxy.socket_path)
        return [call.path for call in stage.proxy.writes]


@pytest.mark.parametrize("via", ways())
def test_killed_in_a_playbook(
    via: str, yard: Yard, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    play = Play(tmp_path)
    paths = writes(yard, "replace")
    cut = [1 + i for i, path in enumerate(paths) if path.endswith(("/create", "/stop", "/start"))]
    assert len(cut) == 3
    for number in cut:
        with Stage(yard, "replace") as stage:
            stage.proxy.faults.at(number, "kill-after")
            host = f"unix://{stage.proxy.socket_path}"
            options = {**stage.story.task, "engine_host": host, "engine_via": via}
            killed(play, {"dockyard.fleet.container": options})
            where = stage.proxy.faults.hits[0]
            still_there(stage, where)
            (result,) = play.run({"dockyard.fleet.container": options})
            assert not result["failed"], result["msg"]
            assert result["changed"] is True
            converges(stage, where)
            stage.keeps_its_data(where)
    record_property(f"{POINTS}kill-after, replace, in a playbook by {via}", len(cut))


def killed(play: Play, task: dict[str, Any]) -> None:
    """Run a task that is killed: Ansible gives up, or the task has failed."""
    try:
        (result,) = play.run(task)
    except RuntimeError:
        assert "worker was found in a dead state" in play.output
    else:
        assert result["failed"] is True
