"""Runs about a stack cut short at every call that writes, on the real engine (`test-faults`)."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from tests.lab.boxes import SOCKET, docker
from tests.lab.busybox import BUSYBOX
from tests.lab.corework import Crew
from tests.lab.killing import POINTS
from tests.lab.proxy import Proxy

Params = dict[str, Any]
PREFIX = "fleet-cut"
WORKERS = 3
KINDS = ("500", "500-after", "drop-after", "kill", "kill-after")
LABEL = "com.docker.compose.project"
# Ends at once when it is told to; the name of each start stays in the volume.
WAITS = "trap 'exit 0' TERM; sleep 1d & wait"
# The third one of a release does not come up.
THIRD = (
    'touch "/data/$RELEASE-$(hostname)"; [ "$(ls /data | grep -c "^$RELEASE-")" -le 2 ] || exit 3'
)


def project(name: str, release: str = "1", replicas: int = 3, bad: bool = False) -> Params:
    """Return a task about a stack of five containers, with a volume that all of them use."""
    data = [{"type": "volume", "source": "data", "target": "/data"}]

    def service(command: str, **keys: Any) -> Params:
        shell = ["sh", "-c", command]
        return {"image": BUSYBOX, "command": shell, "volumes": data, "restart": "always", **keys}

    begin = f"{THIRD}; {WAITS}" if bad else WAITS
    services = {
        "db": service(WAITS, healthcheck={"test": ["CMD", "true"], "interval": "200ms"}),
        "side": service(WAITS, network_mode="service:db"),
        "web": service(
            begin,
            environment={"RELEASE": release},
            restart="no" if bad else "always",
            depends_on={"db": {"condition": "service_healthy"}},
            deploy={"replicas": replicas, "update_config": {"failure_action": "rollback"}},
        ),
    }
    whole = {"name": name, "services": services, "volumes": {"data": {}}}
    return {"project": whole, "monitor": "300ms", "wait_timeout": "60s"}


def renewed(name: str) -> Params:
    """Return the task with another database, and so with another container beside it."""
    task = project(name)
    task["project"]["services"]["db"]["environment"] = {"LOG": "debug"}
    return task


@dataclass(frozen=True)
class Story:
    """`before` is there when `task` is cut short; `names` are the containers in the end, of which
    those of `kept` services are the same as before. `fails`: the task cannot work."""

    before: Callable[[str], Params] | None
    task: Callable[[str], Params]
    names: tuple[str, ...]
    kept: tuple[str, ...] = ()
    fails: bool = False


ALL = ("db-1", "side-1", "web-1", "web-2", "web-3")
STORIES = {
    "up": Story(None, project, ALL),
    "update": Story(project, renewed, ALL, ("web",)),
    "update in batches": Story(project, lambda name: project(name, "2"), ALL, ("db", "side")),
    "going back": Story(
        project, lambda name: project(name, "2", bad=True), ALL, ("db", "side", "web"), fails=True
    ),
    "fewer": Story(project, lambda name: project(name, replicas=1), ALL[:3], ("db", "side")),
    "down": Story(project, lambda name: {"name": name, "state": "absent"}, ()),
}


class Stage:
    """One story prepared under a name of its own, whose task runs through a proxy with faults."""

    numbers = itertools.count(1)

    def __init__(self, story: Story, crew: Crew) -> None:
        self.story, self.crew = story, crew
        self.name = f"{PREFIX}-{next(self.numbers)}"
        self.task = story.task(self.name)
        self.proxy = Proxy()

    def __enter__(self) -> Stage:
        self.proxy.__enter__()
        if self.story.before is not None:
            result = self.run(self.story.before(self.name))
            assert not result.get("failed"), result["msg"]
            docker("exec", f"{self.name}-db-1", "sh", "-c", "echo precious >/data/kept")
        self.before = self.ids()
        return self

    def __exit__(self, *exc: Any) -> None:
        self.proxy.__exit__(*exc)
        for command, remove in (
            ("ps -aq", "rm -fv"),
            ("network ls -q", "network rm"),
            ("volume ls -q", "volume rm"),
        ):
            listed = docker(*command.split(), "--filter", f"label={LABEL}={self.name}").split()
            if listed:
                docker(*remove.split(), *listed)

    def run(self, params: Params, socket: str = SOCKET) -> Params:
        outcome = self.crew.run(params, socket, kind="stack", timeout=60)
        assert outcome.signal in (0, 9)
        assert "Traceback" not in outcome.result.get("msg", ""), outcome.result
        return outcome.result

    def ids(self) -> dict[str, str]:
        """Return the ids of all containers with the project in their names."""
        form = ["--no-trunc", "--format", "{{.Names}} {{.ID}}"]
        listed = docker("ps", "-a", "--filter", f"name={self.name}-", *form)
        return dict(line.split() for line in listed.splitlines())

    def is_as_declared(self, result: Params, where: str) -> None:
        """All that is declared is there once and runs, data are kept, nothing else is there."""
        assert bool(result.get("failed")) == self.story.fails, f"{where}: {result.get('msg')}"
        ids = self.ids()
        assert sorted(ids) == [f"{self.name}-{name}" for name in self.story.names], where
        for name in ids:
            if name.split("-")[-2] in self.story.kept:
                assert ids[name] == self.before[name], f"{where}: {name} is another one"
        listed = docker("network", "ls", "-q", "--filter", f"label={LABEL}={self.name}").split()
        assert len(listed) == (1 if ids else 0), where
        if not ids:
            return
        seen = json.loads(docker("inspect", *ids))
        assert all(one["State"]["Running"] for one in seen), where
        assert {one["HostConfig"]["RestartPolicy"]["Name"] for one in seen} == {"always"}, where
        if self.story.before is not None:
            kept = docker("exec", f"{self.name}-db-1", "cat", "/data/kept")
            assert kept.strip() == "precious", where
        if not self.story.fails:
            again = self.run(self.task)
            assert again["changed"] is False, f"{where}: {again['plan']['text']}"


@pytest.fixture(scope="module")
def crew(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crew]:
    with Crew(tmp_path_factory.mktemp("locks"), WORKERS) as made:
        yield made


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", STORIES)
def test_the_next_run_converges(
    name: str, kind: str, crew: Crew, record_property: Callable[[str, object], None]
) -> None:
    def point(number: int) -> bool:
        with Stage(STORIES[name], crew) as stage:
            stage.proxy.faults.at(number, kind)
            result = stage.run(stage.task, stage.proxy.socket_path)
            if not stage.proxy.faults.hits:
                return False
            where = stage.proxy.faults.hits[0]
            assert (result == {}) == kind.startswith("kill"), where
            assert "\n" not in result.get("msg", ""), where
            stage.is_as_declared(stage.run(stage.task), where)
            return True

    hits = 0
    with ThreadPoolExecutor(WORKERS) as pool:
        for batch in itertools.count():
            numbers = range(batch * WORKERS + 1, (batch + 1) * WORKERS + 1)
            reached = list(pool.map(point, numbers))
            hits += sum(reached)
            if not all(reached):
                break
    assert hits > 3
    record_property(f"{POINTS}{kind}, a stack: {name}, on the real engine", hits)
