"""A replacement with its dependents, cut short at any call: the next run converges."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)

from tests.lab.corework import Crew
from tests.lab.fake_engine import FakeEngine
from tests.lab.killing import POINTS, Params, look

from .stories import WORKERS, volumes

WEB: Params = {"name": "web", "image": "app:1", "monitor": "20ms", "dependents": "replace"}
SIDE: Params = {
    "name": "web-side",
    "image": "side:1",
    "network_mode": "container:web",
    "restart": "always",
    "monitor": "20ms",
}
# Stands still, and depends on a dependent.
TAIL: Params = {
    "name": "web-tail",
    "image": "side:1",
    "pid": "container:web-side",
    "state": "stopped",
    "hostname": "tail",
}
KINDS = ("kill", "kill-after", "500", "500-after")


class Stage:
    """A fake engine with a container and its dependents."""

    def __init__(self, crew: Crew) -> None:
        self.crew = crew
        self.fake = FakeEngine()

    def __enter__(self) -> Stage:
        self.fake.__enter__()
        for name in ("app:1", "app:2", "side:1"):
            self.fake.add_image(name, volumes=["/data"], exposed=["80/tcp"])
        for params in (WEB, SIDE, TAIL):
            result = self.run(params)
            assert not result.get("failed"), result["msg"]
        self.before = self.look()
        self.volumes = volumes(self.fake.socket_path)
        return self

    def __exit__(self, *exc: Any) -> None:
        self.fake.__exit__(*exc)

    def run(self, params: Params) -> dict[str, Any]:
        outcome = self.crew.run(params, self.fake.socket_path)
        assert "Traceback" not in outcome.result.get("msg", ""), outcome.result
        return outcome.result

    def look(self) -> dict[str, Any]:
        return dict(look(self.fake.socket_path, "web"))

    def as_before(self, where: str) -> None:
        """The same containers run, with the policies that they had."""
        assert self.look() == self.before, where

    def as_declared(self, where: str) -> None:
        """All three are there, joined to each other, with their data, and stay as they are."""
        seen = self.look()
        assert sorted(seen) == ["web", "web-side", "web-tail"], where
        ids = {name: one.id for name, one in seen.items()}
        side, tail = (seen[name].inspect for name in ("web-side", "web-tail"))
        assert side["HostConfig"]["NetworkMode"] == f"container:{ids['web']}", where
        assert tail["HostConfig"]["PidMode"] == f"container:{ids['web-side']}", where
        assert [seen[name].running for name in sorted(seen)] == [True, True, False], where
        assert seen["web-side"].restart == ("always", 0), where
        for name, one in self.before.items():
            assert seen[name].volumes == one.volumes, where
        assert volumes(self.fake.socket_path) == self.volumes, where
        for params in ({**WEB, "image": "app:2"}, SIDE, TAIL):
            again = self.run(params)
            assert again["changed"] is False, f"{where}: {again.get('plan')}"


@pytest.mark.parametrize("kind", KINDS)
def test_the_next_run_converges(
    kind: str, crew: Crew, record_property: Callable[[str, object], None]
) -> None:
    task = {**WEB, "image": "app:2"}
    with Stage(crew) as stage:
        stage.fake.faults.reset("writes")
        assert stage.run(task)["replaced"] is True
        count = stage.fake.faults.count
        stage.as_declared("in peace")

    def point(number: int) -> int:
        with Stage(crew) as stage:
            stage.fake.faults.reset("writes")
            stage.fake.faults.at(number, kind)
            result = stage.run(task)
            if not stage.fake.faults.hits:
                return 0
            where = stage.fake.faults.hits[0]
            assert (result == {}) == kind.startswith("kill"), where
            if kind == "500" and " DELETE " not in where:
                stage.as_before(where)
            stage.fake.faults.reset()
            again = stage.run(task)
            assert not again.get("failed"), f"{where}: {again.get('msg')}"
            stage.as_declared(where)
            return 1

    with ThreadPoolExecutor(WORKERS) as pool:
        hit = sum(pool.map(point, range(1, count + 1)))
    record_property(f"{POINTS}{kind}, dependents", hit)
    assert hit > 15


def test_another_change_after_an_interruption_takes_the_dependents_along(crew: Crew) -> None:
    newer = {**WEB, "image": "app:2", "user": "5"}
    for number in starts(crew)[:2]:  # of web, and of web-side
        with Stage(crew) as stage:
            stage.fake.faults.reset("all")
            stage.fake.faults.at(number, "kill-after")
            assert stage.run({**WEB, "image": "app:2"}) == {}
            stage.fake.faults.reset()
            result = stage.run(newer)
            assert not result.get("failed"), result["msg"]
            with Client(unix_dial(stage.fake.socket_path), 5) as client:
                web = client.get("/containers/web/json")
                side = client.get("/containers/web-side/json")
            assert web["Config"]["User"] == "5"
            assert side["HostConfig"]["NetworkMode"] == f"container:{web['Id']}"
            assert len(stage.look()) == 3
            assert stage.run(newer)["changed"] is False


def starts(crew: Crew) -> list[int]:
    """Return the numbers of the calls that start something, in a run that nothing interrupts."""
    with Stage(crew) as rehearsal:
        begun = len(rehearsal.fake.calls)
        rehearsal.run({**WEB, "image": "app:2"})
        made = enumerate(rehearsal.fake.calls[begun:], 1)
        return [number for number, call in made if call.path.endswith("/start")]
