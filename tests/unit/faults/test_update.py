"""Updates in batches cut short at any write: the next run converges, whatever becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)

from tests.lab.corework import Crew
from tests.lab.fake_engine import FakeEngine
from tests.lab.killing import ALL, POINTS

from .stories import STALL, WORKERS

Params = dict[str, Any]
NAMES = [f"shop-web-{number}" for number in range(1, 4)]
KINDS = ("500", "500-after", "drop", "drop-after", "stall", "nospace", "kill", "kill-after")


def project(image: str, restart: str, **update: Any) -> Params:
    """Return a task about a service of three replicas."""
    web = {
        "image": image,
        "restart": restart,
        "deploy": {"replicas": 3, "update_config": update},
    }
    whole = {"name": "shop", "services": {"web": web}}
    return {"project": whole, "monitor": "20ms", "wait_timeout": "20s"}


@dataclass(frozen=True)
class Story:
    """An update with the words `update`; with `good` replicas that come up, the others do not."""

    name: str
    update: Mapping[str, Any]
    good: int | None = None


BACK = {"failure_action": "rollback"}
STORIES = (
    Story("one by one", {}),
    Story("with a way back", BACK),
    Story("starting first", {**BACK, "order": "start-first"}),
    Story("going back", BACK, 2),
    Story("starting first and going back", {**BACK, "order": "start-first"}, 2),
)


class Stage:
    """A fake engine on which three replicas of the old image run."""

    def __init__(self, story: Story, crew: Crew) -> None:
        self.story = story
        self.crew = crew
        # One that ends and is restarted does so at a time of its own.
        self.restart = "always" if story.good is None else "no"
        self.task = project("app:2", self.restart, **story.update)
        self.fake = FakeEngine()

    def __enter__(self) -> Stage:
        self.fake.__enter__()
        self.fake.add_image("app:1", seed="1")
        good = self.story.good
        behaviour = "run" if good is None else f"wears-out:{good}"
        self.fake.add_image("app:2", seed="2", behaviour=behaviour)
        result = self.run(project("app:1", self.restart, **self.story.update))
        assert not result.get("failed"), result["msg"]
        self.before = self.ids()
        self.fake.faults.reset("writes")
        return self

    def __exit__(self, *exc: Any) -> None:
        self.fake.__exit__(*exc)

    def run(self, params: Params, timeout: float = 20) -> Params:
        outcome = self.crew.run(params, self.fake.socket_path, False, kind="stack", timeout=timeout)
        assert outcome.signal in (0, 9)
        assert "Traceback" not in outcome.result.get("msg", ""), outcome.result
        return outcome.result

    def ids(self) -> Mapping[str, str]:
        with Client(unix_dial(self.fake.socket_path), 20) as client:
            listed = client.get("/containers/json", {"all": True})
        return {one["Names"][0][1:]: one["Id"] for one in listed}

    def check(self, result: Params, where: str) -> None:
        """All replicas are there once, run, and are as the update's outcome says."""
        ids = self.ids()
        assert sorted(ids) == NAMES, where
        with Client(unix_dial(self.fake.socket_path), 20) as client:
            seen = [client.get(f"/containers/{name}/json") for name in NAMES]
        assert all(one["State"]["Running"] for one in seen), where
        policies = {one["HostConfig"]["RestartPolicy"]["Name"] for one in seen}
        assert policies == {self.restart}, where
        if self.story.good is None:
            assert not result.get("failed"), f"{where}: {result.get('msg')}"
            assert {one["Config"]["Image"] for one in seen} == {"app:2"}, where
            assert self.run(self.task)["changed"] is False, where
        else:
            assert result["failed"] is True, where
            assert ids == self.before, where


@pytest.mark.parametrize("kind", KINDS if ALL else ("500-after", "kill-after"))
@pytest.mark.parametrize("story", STORIES if ALL else STORIES[-2:], ids=lambda story: story.name)
def test_the_next_run_converges(
    story: Story, kind: str, crew: Crew, record_property: Callable[[str, object], None]
) -> None:
    with Stage(story, crew) as stage:
        result = stage.run(stage.task)
        count = stage.fake.faults.count
        stage.check(result, "in peace")

    def point(number: int) -> int:
        with Stage(story, crew) as stage:
            stage.fake.faults.at(number, kind)
            result = stage.run(stage.task, timeout=STALL if kind == "stall" else 20)
            if not stage.fake.faults.hits:
                return 0
            where = stage.fake.faults.hits[0]
            assert (result == {}) == kind.startswith("kill"), where
            stage.fake.faults.reset()
            stage.check(stage.run(stage.task), where)
            return 1

    with ThreadPoolExecutor(WORKERS) as pool:
        hit = sum(pool.map(point, range(1, count + 1)))
    record_property(f"{POINTS}{kind}, an update: {story.name}", hit)
    assert hit == count


def test_two_runs_at_once_do_not_mix(crew: Crew) -> None:
    """Each waits until the other one is done: whichever is last, all replicas are as it says."""
    images = ("app:2", "app:3")
    for _round in range(3):
        with Stage(STORIES[1], crew) as stage, ThreadPoolExecutor(2) as pool:
            stage.fake.add_image("app:3", seed="3")
            tasks = [project(image, "always", failure_action="rollback") for image in images]
            results = list(pool.map(stage.run, tasks))
            assert [result.get("failed", False) for result in results] == [False, False]
            assert sorted(stage.ids()) == NAMES
            with Client(unix_dial(stage.fake.socket_path), 20) as client:
                seen = [client.get(f"/containers/{name}/json") for name in NAMES]
            assert len({one["Config"]["Image"] for one in seen}) == 1
            started = [
                e["Actor"]["Attributes"] for e in stage.fake.events if e["Action"] == "start"
            ]
            order = [entry["image"] for entry in started if entry["image"] != "app:1"]
            assert order in ([a] * 3 + [b] * 3 for a, b in (images, images[::-1]))
