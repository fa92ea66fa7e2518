"""Builds and pulls cut short at any call: the old image keeps its name, the next run converges."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, Optional

import pytest

from tests.lab.corework import Crew, Outcome
from tests.lab.fake_engine import FakeEngine
from tests.lab.faults import KINDS
from tests.lab.killing import POINTS, chosen

from .stories import STALL, WORKERS

Params = Dict[str, Any]


@dataclass(frozen=True)
class Story:
    """`task` is cut short; of `before` (the context's or the registry's text) is what was there."""

    name: str
    task: Params
    before: Optional[str] = None

    @property
    def builds(self) -> bool:
        return "build" in self.task


BUILD: Params = {"name": "app:1", "build": {}}
PULL: Params = {"name": "app:1", "pull_policy": "always"}
STORIES = (
    Story("build", BUILD),
    Story("build anew", BUILD, "old"),
    Story("pull", PULL),
    Story("pull another", PULL, "old"),
)


class Stage:
    """A fake engine on which one story has been prepared."""

    def __init__(self, story: Story, crew: Crew, folder: Path) -> None:
        self.story, self.crew, self.folder = story, crew, folder
        self.fake = FakeEngine(counted="all")

    def __enter__(self) -> Stage:
        self.folder.mkdir()
        self.fake.__enter__()
        self.fake.registry["base:1"] = {}
        self.task = dict(self.story.task)
        if self.story.builds:
            self.task["build"] = {"context": str(self.folder)}
        if self.story.before is not None:
            self.offer(self.story.before)
            assert self.run().result["changed"] is True
        self.before = self.id()
        self.offer("new")
        self.fake.faults.reset()
        return self

    def __exit__(self, *exc: Any) -> None:
        self.fake.__exit__(*exc)

    def offer(self, text: str) -> None:
        """Let the context or the registry hold something else."""
        (self.folder / "Dockerfile").write_text(f"FROM base:1\nENV TEXT={text}\n")
        self.fake.registry["app:1"] = {"seed": text, "env": {"TEXT": text}}

    def run(self, **more: Any) -> Outcome:
        outcome = self.crew.run(self.task, self.fake.socket_path, kind="image", **more)
        assert "Traceback" not in outcome.result.get("msg", ""), outcome.result
        return outcome

    def id(self) -> str:
        """Return the id of the image that has the name, "" for none."""
        return str((self.fake.image("app:1") or {"Id": ""})["Id"])


def cut(stage: Stage, kind: str, number: int) -> bool:
    """Cut the story short at one call and run it again; False if there is no such call."""
    stage.fake.faults.at(number, kind)
    outcome = stage.run(**({"timeout": STALL, "silence": STALL} if kind == "stall" else {}))
    if not stage.fake.faults.hits:
        return False
    where = stage.fake.faults.hits[0]
    assert (outcome.signal == 9) == kind.startswith("kill"), where
    said = outcome.result.get("msg", "")
    assert "\n" not in said, where
    assert not said or " POST " not in where or said.startswith("image/"), f"{where}: {said}"
    held = stage.id()
    assert held or not stage.before, f"{where}: the old image is gone"
    stage.fake.faults.reset()
    again = stage.run().result
    assert not again.get("failed"), f"{where}: {again.get('msg')}"
    made = stage.fake.image("app:1")
    assert made is not None, where
    assert "TEXT=new" in made["Config"]["Env"], where
    # Nothing is done twice: what was finished behind a lost answer is found.
    assert held in ("", stage.before, made["Id"]), where
    assert stage.run().result["changed"] is False, where
    named = [one for one in stage.fake.images.values() if "app:1" in one["RepoTags"]]
    assert len(named) == 1, where
    return True


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_the_old_image_stays_and_the_next_run_converges(
    story: Story,
    kind: str,
    crew: Crew,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    with Stage(story, crew, tmp_path / "peace") as stage:
        assert stage.run().result["changed"] is True
        count = stage.fake.faults.count

    def point(number: int) -> bool:
        with Stage(story, crew, tmp_path / str(number)) as stage:
            return cut(stage, kind, number)

    numbers = [number for number in range(1, count + 1) if chosen(kind, number)]
    with ThreadPoolExecutor(WORKERS) as pool:
        assert all(pool.map(point, numbers))
    record_property(f"{POINTS}{kind}, {story.name} (image)", len(numbers))
    assert count > 3
