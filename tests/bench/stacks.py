"""What a stack costs: beside a ping, raw calls of the engine, docker compose and community.docker.

`make bench-stacks` runs it. It prints a table of the whole run and asserts nothing about time.
DOCKYARD_CONTAINERS, DOCKYARD_PAIRS and DOCKYARD_HOSTS make it smaller, to try it.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import Any

import pytest

from tests.bench.place import LOCAL, remove_all
from tests.bench.timing import CACHE, Row, Stage, table
from tests.bench.ways import Compose, Loop, Raw, Stack, Way, in_turn, played

MANY = int(os.environ.get("DOCKYARD_CONTAINERS", "50"))
PAIRS = int(os.environ.get("DOCKYARD_PAIRS", "7"))
# How many hosts there are at once, which all lead to one engine.
HOSTS = [int(text) for text in os.environ.get("DOCKYARD_HOSTS", "2,10,50,100").split(",")]
# Creations and removals are measured less often.
FEW = min(3, PAIRS)
PING = {"name": "ping", "ansible.builtin.ping": {}}
# How much longer than the calls that replace it a changed container may take, in seconds.
LIMIT = 0.1
# Two differences of whole commands may be nothing but noise, and no ratio is taken of less.
LEAST = 0.001


@dataclass
class Report:
    """What was measured: rows of the table, and the seconds of each way by what it did."""

    about: dict[str, Any]
    rows: list[Row] = field(default_factory=list)
    seconds: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def add(self, what: str, beside: list[float], ours: list[float], goal: float | None) -> None:
        """Add a row of the local host."""
        self.rows.append(Row(what, "local", ours, beside, goal))

    def keep(self, what: str, ways: list[Way], seconds: list[list[float]]) -> None:
        """Keep the seconds of each way for the picture."""
        self.seconds[what] = {way.name: times for way, times in zip(ways, seconds)}

    def save(self) -> None:
        """Write all of it to the file that the picture is drawn from."""
        rows = [asdict(row) for row in self.rows]
        text = json.dumps({"about": self.about, "rows": rows, "seconds": self.seconds}, indent=1)
        (CACHE / "stacks.json").write_text(text)


@pytest.fixture(scope="module")
def report(stages: dict[str, Stage], request: pytest.FixtureRequest) -> Iterator[Report]:
    """Collect what is measured; print and save it in the end, whatever failed."""
    load = os.getloadavg()[0]
    report = Report(about(stages["local"]))
    yield report
    report.save()
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        print("\n" + ", ".join(f"{name} {value}" for name, value in report.about.items()))
        print(f"Load {load:.1f} at the begin, {os.getloadavg()[0]:.1f} at the end.")
        print("Medians; the median of paired ratios, and their range.")
        print(table(report.rows))


@pytest.fixture(autouse=True)
def bare() -> Iterator[None]:
    """Begin and end each part without a container of the bench."""
    remove_all()
    yield
    remove_all()


def about(stage: Stage) -> dict[str, Any]:
    """Return what was measured on what."""
    ours = str(CACHE / "venv/bin/ansible-galaxy")
    listed = [ours, "collection", "list", "community.docker", "--format", "json"]
    found = json.loads(said(*listed))
    return {
        "containers": MANY,
        "pairs": PAIRS,
        "CPUs": os.cpu_count(),
        "Python": platform.python_version(),
        "Docker": said("docker", "version", "--format", "{{.Server.Version}}"),
        "docker compose": said(Compose(stage.folder, 1).program, "version", "--short"),
        "community.docker": next(iter(found.values()))["community.docker"]["version"],
        "commit": said("git", "rev-parse", "--short", "HEAD"),
    }


def said(*command: str) -> str:
    """Return what a command prints, without its line's end."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def less(seconds: list[float], *others: list[float]) -> list[float]:
    """Return pair by pair what is left without the others."""
    return [whole - sum(parts) for whole, *parts in zip(seconds, *others)]


def test_create_and_remove(stages: dict[str, Stage], report: Report) -> None:
    local = stages["local"]
    raw = Raw(MANY)
    ways: list[Way] = [Stack(local, MANY), Compose(local.folder, MANY), Loop(local, MANY), raw]
    every = [*ways, Stack(local, MANY, wait="none")]
    acts = [act for way in every for act in (way.create, way.remove)]
    with closing(raw):
        empty, *times = in_turn(FEW, [lambda: local.run([])[0], *acts])
    created, removed = times[0::2], times[1::2]
    report.keep("create", ways, created)
    report.keep("remove", ways, removed)
    floor, unwatched = created[3], created[4]
    begun = f"create {MANY}"
    watched = f"{begun}, each watched for 0.5 s"
    report.add(
        f"{begun} with wait: none, less an empty playbook, beside raw calls",
        floor,
        less(unwatched, empty),
        1.1,
    )
    report.add(
        f"{watched}, less an empty playbook, beside raw calls", floor, less(created[0], empty), 1.1
    )
    report.add(f"{begun} with wait: none, beside docker compose", created[1], unwatched, None)
    report.add(f"{watched}, beside docker compose", created[1], created[0], None)
    report.add(f"{watched}, beside community.docker", created[2], created[0], None)
    report.add(
        f"remove {MANY}, less an empty playbook, beside raw calls",
        removed[3],
        less(removed[0], empty),
        1.1,
    )
    report.add(f"remove {MANY}, beside docker compose", removed[1], removed[0], None)
    report.add(f"remove {MANY}, beside community.docker", removed[2], removed[0], None)


def test_nothing_to_do(stages: dict[str, Stage], report: Report) -> None:
    Stack(stages["local"], MANY).create()
    for where, stage in stages.items():
        stack = Stack(stage, MANY)
        acts = [
            lambda stage=stage: played(stage, PING, 0),
            stack.again,
            lambda stage=stage, stack=stack: played(stage, stack.task_inline(), 0),
        ]
        in_turn(1, acts)
        ping, of_file, inline = in_turn(PAIRS, acts)
        report.rows += [
            Row(f"no-op of {MANY} from a file, beside a ping playbook", where, of_file, ping, 0.85),
            Row(f"no-op of {MANY} inline, beside a ping playbook", where, inline, ping, 1.2),
        ]


def test_nothing_to_do_for_many_more(stages: dict[str, Stage], report: Report) -> None:
    count = 4 * MANY
    Stack(stages["local"], count).create()
    for where, stage in stages.items():
        acts = [lambda stage=stage: played(stage, PING, 0), Stack(stage, count).again]
        in_turn(1, acts)
        ping, ours = in_turn(PAIRS, acts)
        what = f"no-op of {count} from a file, beside a ping playbook"
        report.rows.append(Row(what, where, ours, ping, 1.0))


def test_further_hosts(stages: dict[str, Stage], report: Report) -> None:
    """Measure what a host adds: a check, which takes no lock, of ever more names of one engine."""
    folder = stages["local"].folder.parent
    Stack(stages["local"], MANY).create()
    counts = [1, *HOSTS]
    acts = []
    for count in counts:
        names = [f"host{number}" for number in range(count)]
        stage = Stage(folder / f"local-{count}", LOCAL, names)
        task = Stack(stage, MANY).task_of_file()
        for one in (PING, task):
            acts.append(lambda stage=stage, one=one: played(stage, one, 0, "--check"))
    in_turn(1, acts[:2])
    times = in_turn(PAIRS, acts)
    pings, ours = times[0::2], times[1::2]
    for number, count in enumerate(counts[1:], 1):
        further = [
            [max(seconds / (count - 1), LEAST) for seconds in less(whole[number], whole[0])]
            for whole in (ours, pings)
        ]
        # Two hosts are done at once, and what the second adds is little beyond noise.
        goal = 0.2 if count > 2 else None
        what = f"each further host of {count}, no-op of {MANY} in a check, beside ping's"
        report.rows.append(Row(what, "local", further[0], further[1], goal))


def test_a_changed_one(stages: dict[str, Stage], report: Report) -> None:
    local = stages["local"]
    stack, raw = Stack(local, MANY, wait="none"), Raw(1)
    stack.create()
    with closing(raw):
        raw.create()
        again, changed, replaced = in_turn(PAIRS, [stack.again, stack.change, raw.change])
    over = less(changed, again, replaced)
    what = f"1 of {MANY} changed, less a no-op and one raw replacement, of {LIMIT} s"
    report.add(what, [LIMIT] * PAIRS, over, 1.0)


def test_beside_others(stages: dict[str, Stage], report: Report) -> None:
    local = stages["local"]
    raw = Raw(MANY)
    ways: list[Way] = [Stack(local, MANY), Compose(local.folder, MANY), Loop(local, MANY), raw]
    with closing(raw):
        for way in ways:
            way.create()
        again = in_turn(PAIRS, [way.again for way in ways])
        changing = in_turn(PAIRS, [way.change for way in ways])
    report.keep("nothing to do", ways, again)
    report.keep("one changed", ways, changing)
    for number in (1, 2):
        what = f"no-op of {MANY} from a file, beside {ways[number].name}"
        report.add(what, again[number], again[0], None)
        what = f"1 of {MANY} changed, beside {ways[number].name}"
        report.add(what, changing[number], changing[0], None)
