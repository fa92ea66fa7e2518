"""A run killed after every Engine call loses nothing, and the next one converges.

Who dies before a call leaves what dying after the one before it leaves; `make test-faults` has
both.
"""

from __future__ import annotations

from typing import Callable

import pytest

from tests.lab.corework import Crew
from tests.lab.faults import Call
from tests.lab.killing import ALL, POINTS, Story, converges, declared, still_there

from .stories import FULL, NEW, STORIES, Stage, at_each, volumes


@pytest.mark.parametrize("kind", ["kill", "kill-after"] if ALL else ["kill-after"])
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_nothing_is_lost_and_the_next_run_converges(
    story: Story, kind: str, crew: Crew, record_property: Callable[[str, object], None]
) -> None:
    def point(number: int) -> bool:
        with Stage(story, crew) as stage:
            stage.fake.faults.reset("all")
            stage.fake.faults.at(number, kind)
            result = stage.run(story.task)
            if not stage.fake.faults.hits:
                assert bool(result.get("failed")) == (story.after == "old"), result
                return False
            where = stage.fake.faults.hits[0]
            assert result == {}, f"{where}: the process lived on"
            still_there(stage, where)
            stage.fake.faults.reset()
            converges(stage, where)
            no_orphans(stage, where)
            return True

    count = at_each("all", story, crew, point)
    record_property(f"{POINTS}{kind}, {story.name}", count)
    assert count > 5


def no_orphans(stage: Stage, where: str) -> None:
    """Every anonymous volume is one that was there before, or is in use."""
    used = {volume for one in stage.look().values() for volume in one.volumes}
    assert volumes(stage.socket) == sorted({*stage.volumes, *used}), where


def interrupted(stage: Stage) -> None:
    """Kill the run when the new container runs, and is not healthy yet."""
    stage.fake.faults.reset("all")
    for number, call in enumerate(_calls(stage), 1):
        if call.path.endswith("/start"):
            stage.fake.faults.at(number, "kill-after")
    assert stage.run(stage.story.task) == {}
    stage.fake.faults.reset()
    assert len(stage.look()) == 2


def _calls(stage: Stage) -> list[Call]:
    with Stage(stage.story, stage.crew) as rehearsal:
        begun = len(rehearsal.fake.calls)
        rehearsal.run(stage.story.task)
        return rehearsal.fake.calls[begun:]


HUNG = next(story for story in STORIES if story.name == "replace by one that never says")


def test_taking_the_change_back_after_an_interruption_brings_the_old_one_back(crew: Crew) -> None:
    with Stage(HUNG, crew) as stage:
        interrupted(stage)
        result = stage.run(FULL)
        assert not result.get("failed"), result["msg"]
        assert result["replaced"] is False
        assert stage.look() == stage.before
        assert stage.run(FULL)["changed"] is False


def test_another_change_after_an_interruption_begins_from_the_old_one(crew: Crew) -> None:
    with Stage(HUNG, crew) as stage:
        interrupted(stage)
        check = stage.run(NEW, check=True)
        result = stage.run(NEW)
        assert not result.get("failed"), result["msg"]
        assert result["plan"]["steps"] == check["plan"]["steps"]
        assert list(stage.look()) == ["web"]
        declared(stage, "another change", NEW)


def test_another_change_after_a_proven_replacement_was_interrupted(crew: Crew) -> None:
    """The old one goes first, since only one container can stand aside."""
    story = Story("", NEW, FULL)
    with Stage(story, crew) as stage:
        interrupted(stage)
        newer = {**NEW, "environment": {"LOG": "debug"}}
        new = stage.look()["web"].id
        while not stage.look()["web"].healthy:
            stage.fake.state.lock.acquire()
            stage.fake.state.changed.wait(0.1)
            stage.fake.state.lock.release()
        result = stage.run(newer)
        assert not result.get("failed"), result["msg"]
        removed = [call.path for call in stage.fake.writes if call.method == "DELETE"]
        assert removed == [f"/containers/{stage.before['web'].id}", f"/containers/{new}"]
        declared(stage, "another change", newer)
