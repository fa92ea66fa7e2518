"""What happens to the container `web` on the fake engine when a run is cut short."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Dict

from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)

from tests.lab.corework import Crew
from tests.lab.fake_engine import FakeEngine
from tests.lab.killing import ALL, Params, Seen, Story, chosen, look

CHECK = {"Test": ["CMD", "true"], "Interval": 1_000_000_000}
FULL: Params = {
    "name": "web",
    "image": "app:1",
    "environment": {"LOG": "info"},
    "secret_environment": {"TOKEN": "hush-hush"},
    "networks": {"front": {"aliases": ["shop"]}, "back": {}},
    "restart": "unless-stopped",
    "mem_limit": "64m",
    "volumes": ["/cache", "logs:/logs"],
    "wait": "healthy",
    "wait_timeout": "20s",
    "monitor": "30ms",
    "stop_grace_period": "1s",
}
NEW: Params = {
    **FULL,
    "image": "app:2",
    "restart": "always",
    "volumes": ["/cache", "logs:/logs", "/more"],
}
HUNG: Params = {**NEW, "image": "hung:1", "wait_timeout": "300ms"}
PLAIN: Params = {"name": "web", "image": "plain:1", "restart": "on-failure:3", "monitor": "30ms"}
STORIES = (
    Story("create", FULL),
    Story("replace", NEW, FULL),
    Story("replace, without a healthcheck", {**PLAIN, "image": "plain:2"}, PLAIN),
    Story("replace one that stands still", NEW, {**FULL, "state": "stopped"}),
    Story("replace by an unhealthy one", {**NEW, "image": "bad:1"}, FULL, "old", False),
    Story("replace by one that never says", HUNG, FULL, "old", False),
    Story("replace by one that exits", {**NEW, "image": "dying:1"}, FULL, "old", False),
    Story("remove", {"name": "web", "state": "absent"}, FULL, "none"),
    Story(
        "change while it runs",
        {**FULL, "mem_limit": "128m", "restart": "always", "networks": {"front": {}, "side": {}}},
        FULL,
    ),
    Story("start", FULL, {**FULL, "state": "stopped"}),
    Story("rename", {**FULL, "moved_from": "web-old"}, {**FULL, "name": "web-old"}),
    Story("rename and replace", {**NEW, "moved_from": "web-old"}, {**FULL, "name": "web-old"}),
    Story("stop", {**FULL, "state": "stopped"}, FULL),
)


WORKERS = 3
STALL = 1.0  # seconds that the core waits for an engine which has stalled


def volumes(socket: str) -> list[str]:
    """Return the names of the engine's anonymous volumes."""
    with Client(unix_dial(socket), 20) as client:
        listed = client.get("/volumes")["Volumes"] or []
    return sorted(one["Name"] for one in listed if len(one["Name"]) == 64)


def at_each(counted: str, story: Story, crew: Crew, point: Callable[[int], bool]) -> int:
    """Call `point` for every call of the story's run, several at a time; return their number.

    `point` says if its number was hit. How many calls there are may differ a little from run to
    run, by how often the core looks while it waits: so it ends where no number is hit any more.
    """
    with Stage(story, crew) as stage:
        stage.fake.faults.reset(counted)
        stage.run(story.task)
        count = stage.fake.faults.count
    with ThreadPoolExecutor(WORKERS) as pool:
        hits = list(pool.map(point, range(1, count + 1)))
    number = count + 1
    while all(hits) and point(number):
        number += 1
    return sum(hits) + number - count - 1


def until_no_call(kind: str, point: Callable[[int], bool]) -> int:
    """Call `point` with chosen ones of 1, 2, … until one is not hit; return how many were hit."""
    width = WORKERS if ALL or kind.startswith("kill") else 3 * WORKERS
    hits, number = 0, 1
    with ThreadPoolExecutor(WORKERS) as pool:
        while True:
            numbers = [n for n in range(number, number + width) if chosen(kind, n)]
            found = list(pool.map(point, numbers))
            hits, number = hits + sum(found), number + width
            if not all(found):
                return hits


class Stage:
    """A fake engine on which one story has been prepared; its faults are counted from here."""

    def __init__(self, story: Story, crew: Crew) -> None:
        self.story = story
        self.crew = crew
        self.fake = FakeEngine()

    def __enter__(self) -> Stage:
        self.fake.__enter__()
        self.socket = self.fake.socket_path
        self._images()
        with Client(unix_dial(self.socket), 10) as client:
            for name in ("front", "back", "side"):
                client.post("/networks/create", None, {"Name": name})
        if self.story.before is not None:
            outcome = self.run(self.story.before)
            assert not outcome.get("failed"), outcome["msg"]
        self.before = self.look()
        self.volumes = volumes(self.socket)
        return self

    def __exit__(self, *exc: Any) -> None:
        self.fake.__exit__(*exc)

    def _images(self) -> None:
        for ref, behaviour in {
            "app:1": "healthy",
            "app:2": "healthy",
            "bad:1": "unhealthy",
            "hung:1": "run",
            "dying:1": "exit:3",
        }.items():
            self.fake.add_image(ref, behaviour=behaviour, healthcheck=CHECK, volumes=["/data"])
        self.fake.add_image("plain:1")
        self.fake.add_image("plain:2")

    def run(self, params: Params, check: bool = False, timeout: float = 20) -> Dict[str, Any]:
        """Run a task and return its result, {} if a fault killed it."""
        outcome = self.crew.run(params, self.socket, check, timeout=timeout)
        assert outcome.signal in (0, 9)
        assert "Traceback" not in outcome.result.get("msg", ""), outcome.result
        return outcome.result

    def look(self) -> Dict[str, Seen]:
        """Return the containers there are, by name."""
        return look(self.socket, "web")
