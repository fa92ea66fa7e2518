"""Updates in batches cut short at any write: the next run converges, whatever becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from tests.lab.corework import Crew
from tests.lab.killing import ALL, POINTS

from .stacks import KINDS, Params, StackStage, at_each

NAMES = [f"shop-web-{number}" for number in range(1, 4)]


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


class Stage(StackStage):
    """A fake engine on which three replicas of the old image run."""

    def __init__(self, story: Story, crew: Crew) -> None:
        super().__init__(crew)
        self.story = story
        # One that ends and is restarted does so at a time of its own.
        self.restart = "always" if story.good is None else "no"
        self.task = project("app:2", self.restart, **story.update)

    def prepare(self) -> None:
        self.fake.add_image("app:1", seed="1")
        good = self.story.good
        behaviour = "run" if good is None else f"wears-out:{good}"
        self.fake.add_image("app:2", seed="2", behaviour=behaviour)
        self.made(project("app:1", self.restart, **self.story.update))

    def check(self, result: Params, where: str) -> None:
        """All replicas are there once, run, and are as the update's outcome says."""
        ids = self.ids()
        assert sorted(ids) == NAMES, where
        with self.client() as client:
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

    def point(number: int) -> bool:
        with Stage(story, crew) as stage:
            where, _result = stage.cut(stage.task, number, kind)
            if where:
                stage.check(stage.run(stage.task), where)
            return bool(where)

    hit = at_each(point, count)
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
            with stage.client() as client:
                seen = [client.get(f"/containers/{name}/json") for name in NAMES]
            assert len({one["Config"]["Image"] for one in seen}) == 1
            started = [
                e["Actor"]["Attributes"] for e in stage.fake.events if e["Action"] == "start"
            ]
            order = [entry["image"] for entry in started if entry["image"] != "app:1"]
            assert order in ([a] * 3 + [b] * 3 for a, b in (images, images[::-1]))
