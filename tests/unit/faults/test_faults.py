"""An engine that fails at any write: one clear error, nothing lost, and the next run converges."""

from __future__ import annotations

from typing import Callable

import pytest

from tests.lab.corework import Crew
from tests.lab.killing import ALL, POINTS, Story, converges, still_there

from .stories import STALL, STORIES, Stage, at_each
from .test_kill import no_orphans

KINDS = ("500", "500-after", "drop", "drop-after", "stall", "nospace")
# What the kill tests have, and what differs from the others only before or after the writes.
SLOW = ("replace one that stands still", "replace by one that never says", "rename and replace")
# A stall differs from a lost request by nothing but time.
STALLED = ("create", "replace", "remove")
SAID = {
    "500": "the daemon was told to fail",
    "500-after": "the daemon lost the answer",
    "drop": "",
    "drop-after": "",
    "stall": "",
    "nospace": "no space left on device",
}


@pytest.mark.parametrize(
    ("story", "kind"),
    [
        pytest.param(story, kind, id=f"{story.name}-{kind}")
        for story in STORIES
        for kind in KINDS
        if ALL or (story.name not in SLOW and (kind != "stall" or story.name in STALLED))
    ],
)
def test_one_error_and_the_next_run_converges(
    story: Story, kind: str, crew: Crew, record_property: Callable[[str, object], None]
) -> None:
    def point(number: int) -> bool:
        with Stage(story, crew) as stage:
            stage.fake.faults.reset()
            stage.fake.faults.at(number, kind)
            result = stage.run(story.task, timeout=STALL if kind == "stall" else 20)
            if not stage.fake.faults.hits:
                return False
            where = stage.fake.faults.hits[0]
            told(result, kind, where)
            still_there(stage, where)
            as_it_was(stage, where)
            stage.fake.faults.reset()
            converges(stage, where)
            no_orphans(stage, where)
            return True

    record_property(f"{POINTS}{kind}, {story.name}", at_each("writes", story, crew, point))


def told(result: dict[str, object], kind: str, where: str) -> None:
    """One sentence that names the container, and the engine's own words."""
    assert result["failed"] is True, where
    message = str(result["msg"])
    assert "container/web" in message, f"{where}: {message}"
    assert SAID[kind] in message, f"{where}: {message}"
    assert "\n" not in message, f"{where}: {message}"
    assert "hush-hush" not in str(result), where


def as_it_was(stage: Stage, where: str) -> None:
    """A run that could go back went back: the same containers, running as before."""
    _number, kind, method, _path = where.split(" ", 3)
    gone = method == "DELETE" and kind.endswith("-after")
    whole = stage.story.name.startswith(("create", "replace")) and stage.story.proves
    if whole and not gone:
        assert stage.look() == stage.before, where
