"""Every fault before and after every call, on the real engine: `make test-faults`.

Too much for the suite, which has the same on the fake engine, and deaths of containers' runs here.
"""

from __future__ import annotations

import itertools
import json
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_kill import STORIES as CONTAINER_STORIES
from tests.integration.test_kill import Stage, Yard, writes
from tests.lab.boxes import SOCKET, Boxes, docker
from tests.lab.corework import Crew
from tests.lab.faults import KINDS
from tests.lab.killing import POINTS, Params, converges, still_there
from tests.lab.proxy import Proxy
from tests.lab.registry import Registry

WORKERS = 3
STALL = 3  # seconds that the core waits for an engine which has stalled
# On a busy machine an engine may be silent for longer than that before a run has written anything.
TRIES = 3


@dataclass
class Scene:
    """What is prepared: `task` is cut short; `held`: nothing is lost; `done`: it is as declared."""

    kind: str
    task: Params
    held: Callable[[], bool]
    done: Callable[[], bool]
    clean: Callable[[], None]


class Ground:
    """Names of their own, images, a registry, and processes that run the core."""

    def __init__(self, boxes: Boxes, crew: Crew, registry: Registry, folder: Path) -> None:
        self.boxes, self.crew, self.registry, self.folder = boxes, crew, registry, folder
        self.yard = Yard(boxes, crew)
        self._numbers = itertools.count(1)

    def run(self, scene: Scene, socket: str = SOCKET, kind: str = "") -> tuple[Params, int]:
        more: Params = {"timeout": STALL, "silence": STALL} if kind == "stall" else {}
        outcome = self.crew.run(scene.task, socket, kind=scene.kind, **more)
        assert "Traceback" not in outcome.result.get("msg", ""), outcome.result
        return outcome.result, outcome.signal

    def applied(self, kind: str, task: Params) -> None:
        result = self.crew.run(task, SOCKET, kind=kind).result
        assert not result.get("failed"), result["msg"]

    def build(self) -> Scene:
        number = next(self._numbers)
        name, folder = f"{self.boxes.prefix}/made:{number}", self.folder / str(number)
        folder.mkdir()
        task = {"name": name, "build": {"context": str(folder)}}
        for text in ("old", "new"):
            lines = f"FROM {self.boxes.image('1')}\nLABEL number={number} text={text}\n"
            (folder / "Dockerfile").write_text(lines)
            if text == "old":
                self.applied("image", task)
        return Scene(
            "image",
            task,
            lambda: bool(label(name, "text")),
            lambda: label(name, "text") == "new",
            lambda: forget(name),
        )

    def pull(self) -> Scene:
        # A repository each: Docker 20.10 fails at removing tags of one side by side, with their
        # common digest.
        name = f"{self.registry.address}/{self.boxes.prefix}-{next(self._numbers)}:1"
        docker("tag", self.boxes.image("1"), name)
        docker("push", "-q", name)
        docker("rmi", name)
        there = self.boxes.image("1")
        return Scene(
            "image",
            {"name": name},
            lambda: label(there, "release") == "1",
            lambda: label(name, "release") == "1",
            lambda: forget(name),
        )

    def network(self) -> Scene:
        number = next(self._numbers)
        name = f"{self.boxes.prefix}-net-{number}"
        subnets = [f"10.99.{number % 250}.{tail}" for tail in ("0/25", "0/24")]
        old, new = ({"name": name, "ipam": {"config": [{"subnet": one}]}} for one in subnets)
        self.applied("network", old)
        image = self.boxes.image("1")
        docker("run", "-d", "--name", name, "--network", name, "--network-alias", "shop", image)
        begun = started(name)

        def clean() -> None:
            drop(name)
            for left in networks(name):
                docker("network", "rm", left)

        def done() -> bool:
            seen = json.loads(docker("network", "inspect", name))[0]
            box = json.loads(docker("inspect", name))[0]["NetworkSettings"]["Networks"]
            alike = networks(name) == [name] and "shop" in box[name]["Aliases"]
            return alike and seen["IPAM"]["Config"][0]["Subnet"] == subnets[1]

        return Scene("network", new, lambda: started(name) == begun, done, clean)

    def copy(self) -> Scene:
        name = f"{self.boxes.prefix}-copy-{next(self._numbers)}"
        docker("run", "-d", "--name", name, self.boxes.image("1"))
        docker("exec", name, "sh", "-c", "mkdir /etc; echo old >/etc/app.conf")

        def text() -> str:
            return docker("exec", name, "cat", "/etc/app.conf")

        return Scene(
            "copy",
            {"container": name, "content": "new\n", "dest": "/etc/app.conf", "owner": "33"},
            lambda: text() in ("old", "new"),
            lambda: text() == "new",
            lambda: drop(name),
        )


def label(image: str, name: str) -> str:
    """Return a label of an image, "" if there is none of them."""
    form = ["-f", f'{{{{index .Config.Labels "{name}"}}}}']
    command = ["docker", "image", "inspect", *form, image]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def forget(image: str) -> None:
    subprocess.run(["docker", "rmi", "-f", image], capture_output=True, check=False)


def drop(name: str) -> None:
    docker("rm", "-f", "-v", name)


def started(name: str) -> str:
    return docker("inspect", "-f", "{{.State.Running}} {{.State.StartedAt}}", name)


def networks(name: str) -> list[str]:
    """Return the networks that a network's replacement may leave, itself included."""
    listed = docker("network", "ls", "--format", "{{.Name}}", "--filter", f"name={name}")
    return [one for one in listed.split() if one == name or one.startswith(f"{name}.")]


@pytest.fixture(scope="module")
def ground(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    folder = tmp_path_factory.mktemp("faults")
    with (
        Boxes("fault") as boxes,
        Crew(folder, WORKERS) as crew,
        Registry(folder) as registry,
    ):
        yield Ground(boxes, crew, registry, folder)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("story", ["build", "pull", "network", "copy"])
def test_the_next_run_converges(
    story: str, kind: str, ground: Ground, record_property: Callable[[str, object], None]
) -> None:
    def point(number: int) -> bool:
        scene: Scene = getattr(ground, story)()
        with Proxy(counted="all") as proxy:
            try:
                proxy.faults.at(number, kind)
                result, signal = ground.run(scene, proxy.socket_path, kind)
                if not proxy.faults.hits:
                    return False
                where = proxy.faults.hits[0]
                assert (signal == 9) == kind.startswith("kill"), where
                assert "\n" not in result.get("msg", ""), where
                assert scene.held(), f"{where}: something is lost"
                again, _signal = ground.run(scene)
                assert not again.get("failed"), f"{where}: {again.get('msg')}"
                assert scene.done(), where
                last, _signal = ground.run(scene)
                assert last["changed"] is False, f"{where}: {last['plan']['text']}"
                return True
            finally:
                scene.clean()

    record_property(f"{POINTS}{kind}, {story}, on the real engine", hits(point))


def hits(point: Callable[[int], bool]) -> int:
    """Call `point` with 1, 2, … until a call is not hit; return how many were."""
    number, found = 0, [True]
    total = 0
    with ThreadPoolExecutor(WORKERS) as pool:
        while all(found):
            found = list(pool.map(point, range(number + 1, number + 1 + WORKERS)))
            number, total = number + WORKERS, total + sum(found)
    return total


@pytest.mark.parametrize("fault", [kind for kind in KINDS if not kind.startswith("kill")])
@pytest.mark.parametrize("kind", CONTAINER_STORIES)
def test_a_container_is_not_lost_and_the_next_run_converges(
    kind: str, fault: str, ground: Ground, record_property: Callable[[str, object], None]
) -> None:
    yard = ground.yard

    def point(number: int) -> None:
        with Stage(yard, kind) as stage:
            stage.proxy.faults.at(number, fault)
            more: dict[str, Any] = {"timeout": STALL} if fault == "stall" else {}
            for _attempt in range(TRIES):
                result = ground.crew.run(stage.story.task, stage.proxy.socket_path, **more).result
                if stage.proxy.faults.hits:
                    break
            where = stage.proxy.faults.hits[0]
            assert result["failed"] is True, where
            assert "\n" not in result["msg"], where
            still_there(stage, where)
            converges(stage, where)
            stage.keeps_its_data(where)

    count = len(writes(yard, kind))
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(point, range(1, count + 1)))
    assert ground.boxes.orphans() == set()
    record_property(f"{POINTS}{fault}, {kind}, on the real engine", count)
