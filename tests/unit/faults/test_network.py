"""Runs about a network cut short anywhere: its containers stay up and connected in the end."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Callable, Dict, Optional

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)

from tests.lab.corework import Crew
from tests.lab.fake_engine import FakeEngine
from tests.lab.killing import POINTS

from .stories import until_no_call

Params = Dict[str, Any]
IPAM: Params = {"config": [{"subnet": "10.20.0.0/24"}]}
OLD: Params = {"name": "front", "ipam": IPAM, "labels": {"team": "shop"}}
NEW: Params = {**OLD, "ipam": {"config": [{"subnet": "10.20.0.0/16"}]}}
GONE: Params = {"name": "front", "state": "absent"}
WIDE: Params = {"front": [{"Subnet": "10.20.0.0/16"}]}
POINT = {"Aliases": ["shop"], "IPAMConfig": {"IPv4Address": "10.20.0.7"}}


@dataclass(frozen=True)
class Story:
    """`before` is there, with a running and a stopped container on it; `task` is cut short."""

    name: str
    task: Params
    before: Optional[Params] = None
    after: Any = None  # the networks in the end


STORIES = (
    Story("create", NEW, None, WIDE),
    Story("replace", NEW, OLD, WIDE),
    Story("remove", {**GONE, "force": True}, OLD, {}),
)
KINDS = ("500", "500-after", "drop", "drop-after", "nospace", "kill", "kill-after")


class Stage:
    """A fake engine on which one story has been prepared."""

    def __init__(self, story: Story, crew: Crew) -> None:
        self.story = story
        self.crew = crew
        self.fake = FakeEngine()

    def __enter__(self) -> Stage:
        self.fake.__enter__()
        self.fake.add_image("app:1")
        if self.story.before is not None:
            assert not self.run(self.story.before).get("failed")
            with self.client() as client:
                for name in ("job", "web"):
                    body = {
                        "Image": "app:1",
                        "HostConfig": {"NetworkMode": "front"},
                        "NetworkingConfig": {"EndpointsConfig": {"front": _point(name)}},
                    }
                    client.post("/containers/create", {"name": name}, body)
                    client.post(f"/containers/{name}/start")
                client.post("/containers/job/stop")
        self.before = self.look()
        self.fake.faults.reset("all")
        return self

    def __exit__(self, *exc: Any) -> None:
        self.fake.__exit__(*exc)

    def client(self) -> Client:
        return Client(unix_dial(self.fake.socket_path), 10)

    def run(self, params: Params, check: bool = False) -> Params:
        outcome = self.crew.run(params, self.fake.socket_path, check, kind="network")
        assert outcome.signal in (0, 9)
        assert "Traceback" not in outcome.result.get("msg", ""), outcome.result
        return outcome.result

    def look(self) -> Params:
        """Return what a user sees: networks of ours, and the containers' places in them."""
        with self.client() as client:
            networks = {
                one["Name"]: one["IPAM"]["Config"]
                for one in client.get("/networks")
                if one["Name"] not in ("bridge", "host", "none")
            }
            boxes = {}
            for name in [*self.fake.names()]:
                box = client.get(f"/containers/{name}/json")
                points = box["NetworkSettings"]["Networks"].items()
                seen = {net: [_asked(p, box["Id"]), p["IPAMConfig"]] for net, p in points}
                boxes[name] = [box["Id"], box["State"]["StartedAt"], box["State"]["Running"], seen]
        return {"networks": networks, "containers": boxes}


def _point(name: str) -> Params:
    return POINT if name == "web" else {"Aliases": ["worker"]}


def _asked(point: Params, ident: str) -> list[str]:
    return [alias for alias in point["Aliases"] or () if alias != ident[:12]]


def converged(stage: Stage, where: str) -> None:
    """One more run makes it as declared, with every container as it was; then nothing is left."""
    stage.fake.faults.reset()
    check = stage.run(stage.story.task, check=True)
    result = stage.run(stage.story.task)
    assert not result.get("failed"), f"{where}: {result.get('msg')}"
    assert result["plan"]["steps"] == check["plan"]["steps"], where
    seen = stage.look()
    if stage.story.name == "remove":
        assert seen["networks"] == {}, where
        assert [box[:3] for box in seen["containers"].values()] == [
            box[:3] for box in stage.before["containers"].values()
        ], where
        return
    assert seen["networks"] == WIDE, where
    assert seen["containers"] == stage.before["containers"], where
    again = stage.run(stage.story.task)
    assert again["changed"] is False, f"{where}: {again['plan']['text']}"
    for name in seen["containers"]:
        with stage.client() as client:
            client.post(f"/containers/{name}/start")  # it finds its network


def cut(stage: Stage, kind: str, number: int) -> bool:
    """Cut the story short at one call; False if there is no such call."""
    stage.fake.faults.at(number, kind)
    result = stage.run(stage.story.task)
    if not stage.fake.faults.hits:
        return False
    where = stage.fake.faults.hits[0]
    read = where.split()[2] in ("GET", "HEAD")
    if kind.startswith("kill"):
        assert result == {}, where
    elif not read:
        # A broken read is sent again; a write tells in one sentence whose it was.
        assert result["failed"] is True, where
        assert result["msg"].startswith("network/front: "), where
        assert "\n" not in result["msg"], where
        lost = stage.story.name == "create" and kind == "500-after"
        if not lost and " DELETE /networks/front.old-" not in where:
            _as_it_was(stage, where)
    converged(stage, where)
    return True


def _as_it_was(stage: Stage, where: str) -> None:
    seen = stage.look()
    # The last call may be lost when everything is done.
    done = (seen["networks"], where.split()[2]) == (stage.story.after, "DELETE")
    assert seen == stage.before or done, (
        f"{where}: {json.dumps(seen)} is not {json.dumps(stage.before)}"
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_run_cut_short_at_any_call_converges(
    story: Story, kind: str, crew: Crew, record_property: Callable[[str, object], None]
) -> None:
    def point(number: int) -> bool:
        with Stage(story, crew) as stage:
            return cut(stage, kind, number)

    hits = until_no_call(kind, point)
    record_property(f"{POINTS}{kind}, {story.name} (network)", hits)
    assert hits > (3 if kind.startswith("kill") else 0)


def test_a_network_that_cannot_be_made_leaves_the_old_one(crew: Crew) -> None:
    story = Story("", {**OLD, "driver": "none-such"}, OLD)
    with Stage(story, crew) as stage:
        result = stage.run(story.task)
        assert 'plugin "none-such" not found' in result["msg"]
        assert stage.look() == stage.before
        assert stage.run(OLD)["changed"] is False


def test_twins_are_refused_with_their_ids(crew: Crew) -> None:
    with Stage(Story("", NEW, OLD), crew) as stage, stage.client() as client:
        client.post("/networks/create", None, {"Name": "front"})
        ids = sorted(one["Id"][:12] for one in client.get("/networks") if one["Name"] == "front")
        before = len(stage.fake.writes)
        for task in (NEW, {**GONE, "force": True}, {"name": "front", "external": True}):
            assert f"({', '.join(ids)})" in stage.run(task)["msg"]
        assert len(stage.fake.writes) == before


def test_a_removal_waits_for_the_containers_of_an_interrupted_replacement(crew: Crew) -> None:
    with Stage(Story("", NEW, OLD), crew) as stage:
        stage.fake.faults.at(_call(stage, "POST", "/networks/create", 2), "kill")
        assert stage.run(NEW) == {}
        stage.fake.faults.reset()
        assert "used by job, web" in stage.run(GONE)["msg"]
        assert not stage.run({**GONE, "force": True}).get("failed")
        assert stage.look()["networks"] == {}


def test_what_an_interrupted_removal_has_disconnected_comes_back(crew: Crew) -> None:
    """Whoever declares the network after that has it as it was, with all of its containers."""
    gone = {**GONE, "force": True}
    for number in (1, 2, 3):  # one container has left, both have, the network is gone
        with Stage(Story("", gone, OLD), crew) as stage:
            stage.fake.faults.reset("writes")
            stage.fake.faults.at(1 + number, "kill-after")
            assert stage.run(gone) == {}
            stage.fake.faults.reset()
            check, apply = stage.run(OLD, check=True), stage.run(OLD)
            assert "an earlier run was interrupted" in check["plan"]["text"]
            assert apply["plan"]["steps"] == check["plan"]["steps"]
            assert stage.look() == stage.before
            assert stage.run(OLD)["changed"] is False


def _call(stage: Stage, method: str, path: str, which: int) -> int:
    """Return the number of the n-th call of a kind in a rehearsal of the story."""
    with Stage(stage.story, stage.crew) as rehearsal:
        begun = len(rehearsal.fake.calls)
        rehearsal.run(stage.story.task)
        calls = list(enumerate(rehearsal.fake.calls[begun:], 1))
    return [n for n, call in calls if (call.method, call.path) == (method, path)][which - 1]
