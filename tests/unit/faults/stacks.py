"""A stack on a fake engine, whose runs are cut short at one write after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)

from tests.lab.corework import Crew
from tests.lab.fake_engine import FakeEngine

from .stories import STALL, WORKERS

Params = dict[str, Any]
KINDS = ("500", "500-after", "drop", "drop-after", "stall", "nospace", "kill", "kill-after")


class StackStage:
    """A fake engine, and runs of the module `stack`; `prepare` brings what there is before."""

    def __init__(self, crew: Crew) -> None:
        self.crew = crew
        self.fake = FakeEngine()

    def prepare(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Any:
        self.fake.__enter__()
        self.prepare()
        self.before = self.ids()
        self.fake.faults.reset("writes")
        return self

    def __exit__(self, *exc: Any) -> None:
        self.fake.__exit__(*exc)

    def run(self, params: Params, check: bool = False, timeout: float = 20) -> Params:
        outcome = self.crew.run(params, self.fake.socket_path, check, kind="stack", timeout=timeout)
        assert outcome.signal in (0, 9)
        assert "Traceback" not in outcome.result.get("msg", ""), outcome.result
        return outcome.result

    def made(self, params: Params) -> None:
        """Run a task in peace."""
        result = self.run(params)
        assert not result.get("failed"), result["msg"]

    def cut(self, params: Params, number: int, kind: str) -> tuple[str, Params]:
        """Run a task that goes wrong at a write; return where, "" if it has fewer, and its result,
        which there is none of if it was killed."""
        self.fake.faults.at(number, kind)
        result = self.run(params, timeout=STALL if kind == "stall" else 20)
        if not self.fake.faults.hits:
            return "", result
        where = self.fake.faults.hits[0]
        assert (result == {}) == kind.startswith("kill"), where
        self.fake.faults.reset()
        return where, result

    def ids(self) -> Mapping[str, str]:
        """Return the ids of all containers by name."""
        with self.client() as client:
            listed = client.get("/containers/json", {"all": True})
        return {one["Names"][0][1:]: one["Id"] for one in listed}

    def client(self) -> Client:
        return Client(unix_dial(self.fake.socket_path), 20)


def at_each(point: Callable[[int], bool], count: int) -> int:
    """Cut runs short at each of so many writes; return at how many that was done."""
    with ThreadPoolExecutor(WORKERS) as pool:
        return sum(pool.map(point, range(1, count + 1)))
