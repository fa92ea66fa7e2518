"""Two controllers at one engine, which no lock keeps apart: no more than one clear error each.

Whatever the order of their calls: in the end one container has the name and runs, the old one or
one that a run declared, or none if it was to go; nothing has a temporary name; no volume is lost or
left over; the next run converges and the one after it is empty.
"""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence

import pytest

from tests.lab.corework import Crew
from tests.lab.killing import ALL, POINTS, Params, Story
from tests.lab.turns import Turn, Turns

from .stories import FULL, NEW, PLAIN, WORKERS, Stage, volumes

# Its volumes are those of NEW, since what a declaration has dropped is nobody's to remove.
OLD: Params = {**FULL, "volumes": NEW["volumes"]}
ABSENT: Params = {"name": "web", "state": "absent"}
BAD: Params = {**NEW, "image": "bad:1"}
# What an error says of a race, whoever won it; the other one may stop what this one waits for.
SAID = ("another run, or somebody else,", "the container is unhealthy", "exited with code 143")


class Pair(NamedTuple):
    """Two tasks about one container, and what there was before."""

    one: Params
    other: Params
    before: Optional[Params] = OLD

    @property
    def goes(self) -> bool:
        return any(task.get("state") == "absent" for task in (self.one, self.other))


PAIRS: Dict[str, Pair] = {
    "the same": Pair(NEW, NEW),
    "another declaration": Pair(NEW, {**NEW, "environment": {"LOG": "debug"}}),
    "a removal": Pair(NEW, ABSENT),
    "a removal with the volumes": Pair(NEW, {**ABSENT, "remove_volumes": True}),
    "what there was": Pair(NEW, OLD),
    "one that never is healthy": Pair(NEW, BAD),
    "what there was, against a bad one": Pair(BAD, OLD),
    "the same creation": Pair(PLAIN, PLAIN, None),
    "another creation": Pair(PLAIN, {**PLAIN, "environment": {"LOG": "debug"}}, None),
    "a removal, of both": Pair(ABSENT, ABSENT),
    "a replacement, of one that is changed live": Pair({**OLD, "mem_limit": "32m"}, NEW),
}


@pytest.fixture(scope="module")
def crew(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crew]:
    """Give the processes of both controllers, for each of some plays at a time."""
    with Crew(tmp_path_factory.mktemp("locks"), 2 * WORKERS) as made:
        yield made


def played(pair: Pair, turns: Sequence[Turn], crew: Crew) -> Dict[str, int]:
    """Let both run in turns, and look at what came of it; return how many calls each made."""
    where = f"{turns}"
    with Stage(Story("", pair.one, pair.before), crew) as stage, Turns(stage.fake, "AB") as at:
        tasks = {"A": pair.one, "B": pair.other}

        def run(who: str) -> Params:
            return crew.run(tasks[who], at.sockets[who]).result

        told = at.play(turns, {who: lambda who=who: run(who) for who in tasks})
        for result in told.values():
            _told(result, where)
        _whole(stage, pair, where)
        for task in tasks.values():
            _converges(stage, task, where)
        return {who: door.faults.count for who, door in at.doors.items()}


def _told(result: Params, where: str) -> None:
    """A run succeeds, or says in one line what happened."""
    if result.get("failed"):
        said = result["msg"]
        assert said.startswith("container/web: "), f"{where}: {said}"
        assert any(words in said for words in SAID), f"{where}: {said}"
        assert "\n" not in said, f"{where}: {said}"


def _whole(stage: Stage, pair: Pair, where: str) -> None:
    seen = stage.look()
    if not seen:
        assert pair.goes, f"{where}: nothing is left"
        return
    assert list(seen) == ["web"], f"{where}: {list(seen)}"
    assert seen["web"].running, f"{where}: it does not run"
    asked = {task.get("image") for task in (pair.one, pair.other, pair.before or {})}
    assert seen["web"].inspect["Config"]["Image"] in asked, f"{where}: nobody declared it"
    assert seen["web"].restart[0] != "no", f"{where}: its restart policy is lost"
    if not pair.goes:
        there = set(volumes(stage.socket))
        assert set(stage.volumes) <= set(seen["web"].volumes), f"{where}: another volume"
        assert there == set(seen["web"].volumes), f"{where}: a volume is left over"


def _converges(stage: Stage, task: Params, where: str) -> None:
    result = stage.run(task)
    if task is BAD:
        return  # it says so, and the container that was there goes on
    assert not result.get("failed"), f"{where}: {result.get('msg')}"
    assert list(stage.look()) == ([] if "state" in task else ["web"]), where
    again = stage.run(task)
    assert again["changed"] is False, f"{where}: {again['plan']['text']}"


def _all(pair: Pair, orders: Sequence[List[Turn]], crew: Crew) -> None:
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(lambda turns: played(pair, turns, crew), orders))


@pytest.mark.parametrize("name", PAIRS)
def test_the_whole_run_of_another_between_any_two_calls(
    name: str, crew: Crew, record_property: Callable[[str, object], None]
) -> None:
    pair = PAIRS[name]
    count = played(pair, [("A", None), ("B", None)], crew)["A"]
    first = 1 if ALL else 1 + list(PAIRS).index(name) % 5
    points = range(first, count, 1 if ALL else 5)
    _all(pair, [[("A", n), ("B", None), ("A", None)] for n in points], crew)
    record_property(f"{POINTS}a whole run of another: {name}", len(points))


@pytest.mark.parametrize("name", PAIRS)
def test_two_runs_at_once_in_any_order(
    name: str, crew: Crew, record_property: Callable[[str, object], None]
) -> None:
    drawn = random.Random(name)
    orders = [_order(drawn) for _number in range(200 if ALL else 3)]
    _all(PAIRS[name], orders, crew)
    record_property(f"{POINTS}two runs at once: {name}", len(orders))


def _order(drawn: random.Random) -> List[Turn]:
    turns: List[Turn] = []
    for _number in range(drawn.randint(3, 12)):
        turns += [("A", drawn.randint(1, 8)), ("B", drawn.randint(1, 8))]
    return [*turns, ("A", None), ("B", None)]
