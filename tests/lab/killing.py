"""What must hold when a run was cut short anywhere: stories of a container, and a look at them.

A story is what happens to one container `web`: params that make it first, what is done between,
and the task that is cut short.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Protocol, Tuple

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)

from tests.lab.faults import KINDS

Params = Dict[str, Any]
# `make test-faults` has every kind at every point.
ALL = os.environ.get("FLEET_FAULTS") == "all"


@dataclass(frozen=True)
class Story:
    """`before` is applied in peace, then `task` is cut short; `after` is what a user wants then.

    `after`: "task" (as declared), "old" (the task cannot work; the old one runs on) or "none".
    """

    name: str
    task: Params
    before: Optional[Params] = None
    after: str = "task"
    proves: bool = True  # the new container would pass its wait


@dataclass(frozen=True)
class Seen:
    """One container as a user would look at it, by full id."""

    id: str
    name: str
    running: bool
    healthy: bool = field(compare=False)  # a probe may not have run yet
    restart: Tuple[str, int]
    networks: Tuple[str, ...]
    volumes: Tuple[str, ...]
    inspect: Params = field(compare=False, repr=False)


def look(socket: str, name: str) -> Dict[str, Seen]:
    """Return all containers that have to do with `name`, by their names."""
    with Client(unix_dial(socket), 20) as client:
        listed = client.get("/containers/json", {"all": True, "filters": {"name": [name]}})
        asked = [(f"/containers/{one['Id']}/json", None) for one in listed]
        found = [one for one in client.get_all(asked) if isinstance(one, dict)]
    return {str(one["Name"])[1:]: _seen(one) for one in found}


def _seen(one: Params) -> Seen:
    state, policy = one["State"], one["HostConfig"]["RestartPolicy"]
    return Seen(
        id=one["Id"],
        name=one["Name"][1:],
        running=bool(state["Running"]) and not state.get("Restarting"),
        healthy=(state.get("Health") or {}).get("Status") == "healthy",
        restart=(policy["Name"] or "no", policy.get("MaximumRetryCount") or 0),
        networks=tuple(sorted(one["NetworkSettings"]["Networks"])),
        volumes=tuple(sorted(m["Name"] for m in one["Mounts"] if len(m.get("Name", "")) == 64)),
        inspect=one,
    )


class Stage(Protocol):
    """Where a story plays: `before` is what there was; `run` and `look` are free of faults."""

    story: Story
    before: Dict[str, Seen]

    def run(self, params: Params) -> Params: ...

    def look(self) -> Dict[str, Seen]: ...


def still_there(stage: Stage, where: str) -> None:
    """Whatever ran is there, unless the new one has proven itself or removal was asked for."""
    story = stage.story
    if story.before is None or story.after == "none":
        return
    seen, name = stage.look(), story.task["name"]
    old = stage.before[story.before["name"]].id
    if old not in {one.id for one in seen.values()}:
        assert story.proves, f"{where}: the old container is gone, {list(seen)}"
        new = seen[name]
        proven = new.running and (new.healthy or story.task.get("wait") != "healthy")
        assert proven, f"{where}: the new container is not up, and the old one gone"


def converges(stage: Stage, where: str) -> None:
    """One more run makes it as declared, or as it was where the task cannot work."""
    story = stage.story
    name = story.task["name"]
    result = stage.run(story.task)
    assert bool(result.get("failed")) == (story.after == "old"), f"{where}: {result.get('msg')}"
    seen = stage.look()
    assert list(seen) == ([] if story.after == "none" else [name]), where
    if story.after == "old":
        assert seen[name] == stage.before[name], where
    elif story.after == "task":
        declared(stage, where, story.task)


def declared(stage: Stage, where: str, task: Params) -> None:
    """The container is as the task says, has what its forerunner had, and stays as it is."""
    name = task["name"]
    seen = stage.look()[name]
    assert seen.running == (task.get("state") != "stopped"), where
    policy, _colon, count = task["restart"].partition(":")
    assert seen.restart == (policy, int(count or 0)), where
    assert seen.networks == tuple(sorted(task.get("networks", ["bridge"]))), where
    if name in stage.before:
        kept = set(stage.before[name].volumes)
        assert kept <= set(seen.volumes), f"{where}: another volume"
    again = stage.run(task)
    assert again["changed"] is False, f"{where}: {again['plan']['text']}"


def chosen(kind: str, number: int) -> bool:
    """Tell if a fault of a kind is tried at a point, in stories that have many points.

    Deaths are tried at every one. Of the other kinds, unless all are wanted, each point has about
    a third, and three points one after another have all of them.
    """
    return ALL or kind.startswith("kill") or (number + KINDS.index(kind)) % 3 == 0


def deaths(count: int, every: bool) -> List[Tuple[str, int]]:
    """Return the (kind, call) that leave each state once, of a run that makes `count` calls.

    Who dies before a call leaves what dying after the one before it leaves; `every` asks for both.
    """
    numbers = range(1, count + 1)
    before = numbers if every else numbers[:1]
    return [*(("kill", n) for n in before), *(("kill-after", n) for n in numbers)]


def report(terminalreporter: pytest.TerminalReporter, where: str) -> None:
    """Print at how many points the tests below `where` cut runs short: stories and faults.

    A property of a test is named POINTS, then a fault and a story, or any words.
    """
    table: Dict[str, Dict[str, int]] = {}
    for outcome in ("passed", "failed"):
        for test in terminalreporter.stats.get(outcome, ()):
            for name, value in test.user_properties if test.nodeid.startswith(where) else ():
                if name.startswith(POINTS):
                    kind, _comma, story = name[len(POINTS) :].partition(", ")
                    story, kind = (story, kind) if kind in KINDS else (name[len(POINTS) :], "")
                    row = table.setdefault(story, {})
                    row[kind] = row.get(kind, 0) + int(value)
    if table:
        terminalreporter.section(f"points at which a run was cut short ({where})")
        for line in _lines(table):
            terminalreporter.write_line(line)


def _lines(table: Dict[str, Dict[str, int]]) -> List[str]:
    kinds = [kind for kind in KINDS if any(kind in row for row in table.values())]
    rows = {
        name: [*(row.get(kind, 0) for kind in kinds), *row.values()] for name, row in table.items()
    }
    width = max(map(len, [*rows, "in all"]))
    made = ["  ".join([" " * width, *kinds, "sum"])] if kinds else []
    sums = [0] * (len(kinds) + 1)
    for name, counts in rows.items():
        shown = [*counts[: len(kinds)], sum(counts[len(kinds) :])]
        sums = [old + new for old, new in zip(sums, shown)]
        made.append(_row(name.ljust(width), kinds, shown))
    return [*made, _row("in all".ljust(width), kinds, sums)]


def _row(name: str, kinds: List[str], counts: List[int]) -> str:
    cells = (str(n or "").rjust(max(3, len(k))) for k, n in zip([*kinds, "sum"], counts))
    return "  ".join([name, *cells])


POINTS = "points: "
