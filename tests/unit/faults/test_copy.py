"""A copy cut short at any call of the engine: one clear error, and the next run converges."""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Callable, Dict, Tuple

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)

from tests.lab.corework import Crew, Outcome
from tests.lab.fake_engine import FakeEngine
from tests.lab.faults import KINDS
from tests.lab.killing import POINTS, chosen

from .stories import STALL, WORKERS

Params = Dict[str, Any]
TEXT: Params = {"content": "log = debug\n", "dest": "/etc/new/app.conf", "owner": "www"}
STORIES = ("change", "tree", "fetch")


class Desk:
    """A fake engine with a container, and one copy to make there."""

    def __init__(self, story: str, folder: Path, crew: Crew) -> None:
        self.story, self.folder, self.crew = story, folder, crew
        self.fake = FakeEngine(counted="all")

    def __enter__(self) -> Desk:
        self.fake.__enter__()
        self.fake.add_image("app:1")
        with Client(unix_dial(self.fake.socket_path), 5) as client:
            client.post("/containers/create", {"name": "web"}, {"Image": "app:1"})
        self.before, self.task = self._tasks()
        if self.before:
            assert self.run(self.before).result["changed"] is True
        self.fake.faults.reset()
        return self

    def __exit__(self, *exc: Any) -> None:
        self.fake.__exit__(*exc)

    def _tasks(self) -> Tuple[Params, Params]:
        tree = {"src": str(self.folder / "tree"), "dest": "/srv/tree"}
        if self.story == "fetch":
            out = tempfile.mkdtemp(dir=self.folder) + "/out"
            return tree, {"src": "/srv/tree", "dest": out, "fetch": True}
        if self.story == "tree":
            return {}, tree
        before = {**TEXT, "content": "log = info\n", "mode": "0600"}
        return before, TEXT

    def run(self, params: Params, timeout: float = 20) -> Outcome:
        given = {"container": "web", **params}
        return self.crew.run(given, self.fake.socket_path, kind="copy", timeout=timeout)

    def arrived(self) -> bool:
        """Tell if all that was to be copied is there, whole."""
        files = self.fake.files("web")
        if self.story == "fetch":
            return (Path(self.task["dest"]) / "sub" / "b").read_text() == "b" * 5000
        if self.story == "tree":
            return files["/srv/tree/sub/b"].data == b"b" * 5000
        made = files["/etc/new/app.conf"]
        return (made.data, made.mode, made.owner) == (b"log = debug\n", 0o644, (33, 0))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tree" / "sub").mkdir(parents=True)
    (tmp_path / "tree" / "a").write_text("a")
    (tmp_path / "tree" / "sub" / "b").write_text("b" * 5000)
    return tmp_path


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("story", STORIES)
def test_the_next_run_converges(
    story: str,
    kind: str,
    folder: Path,
    crew: Crew,
    record_property: Callable[[str, object], None],
) -> None:
    with Desk(story, folder, crew) as desk:
        assert desk.run(desk.task).result["changed"] is True
        count = desk.fake.faults.count

    def point(number: int) -> bool:
        with Desk(story, folder, crew) as desk:
            desk.fake.faults.at(number, kind)
            outcome = desk.run(desk.task, timeout=STALL if kind == "stall" else 20)
            where = desk.fake.faults.hits[0]
            told(outcome, kind, where)
            desk.fake.faults.reset()
            again = desk.run(desk.task)
            assert not again.result.get("failed"), f"{where}: {again.result.get('msg')}"
            assert desk.arrived(), where
            assert desk.run(desk.task).result["changed"] is False, where
        return True

    numbers = [number for number in range(1, count + 1) if chosen(kind, number)]
    with ThreadPoolExecutor(WORKERS) as pool:
        assert all(pool.map(point, numbers))
    record_property(f"{POINTS}{kind}, copy: {story}", len(numbers))
    assert count > 5


def told(outcome: Outcome, kind: str, where: str) -> None:
    if kind.startswith("kill"):
        assert outcome.signal == 9, where
        return
    said = outcome.result
    if said.get("failed"):
        assert "\n" not in said["msg"], where
        assert "Traceback" not in said["msg"], where
        bare = "the engine answered 500 to HEAD" in said["msg"]
        assert not kind.startswith("500") or bare or "the daemon" in said["msg"], said["msg"]
    else:  # a read whose connection was an old one is repeated once
        # A refused HEAD holds no words, so that a GET is asked for them, which tells the truth.
        assert kind.startswith("drop") or " HEAD " in where, where
