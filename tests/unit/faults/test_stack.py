"""Runs about a stack cut short at any write: the next run converges, and nothing is left over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Optional

import pytest

from tests.lab.corework import Crew
from tests.lab.killing import ALL, POINTS

from .stacks import KINDS, Params, StackStage, at_each

DATA = {"type": "volume", "source": "data", "target": "/data"}


def project(**changes: Params) -> Params:
    """Return a task about a stack of four containers, with keys of its services changed."""
    services: Params = {
        "db": {
            "image": "app:1",
            "volumes": [DATA],
            "networks": {"back": None},
            "healthcheck": {"test": ["CMD", "true"], "interval": "1s"},
        },
        "web": {
            "image": "app:1",
            "scale": 2,
            "networks": {"back": None, "default": None},
            "depends_on": {"db": {"condition": "service_healthy"}},
        },
        "side": {"image": "app:1", "network_mode": "service:db"},
    }
    for name, keys in changes.items():
        services[name] = {**services[name], **keys}
    whole = {
        "name": "shop",
        "services": services,
        "networks": {"back": {"internal": True}},
        "volumes": {"data": {}},
    }
    return {"project": whole, "monitor": "20ms", "wait_timeout": "20s"}


OLD = project()
HOOKS = {"post_start": [{"command": ["true"]}], "pre_stop": [{"command": ["true"]}]}
PORTS = [{"target": 80, "published": "8080"}]
HOOKED = project(db=HOOKS, side=HOOKS)
NAMES = ["shop-db-1", "shop-side-1", "shop-web-1", "shop-web-2"]
GONE: Params = {"name": "shop", "state": "absent"}
SIDE = project(side={"image": "app:2"})
KEEP, KEEP1 = {"keep_releases": 2}, {"keep_releases": 1}


@dataclass(frozen=True)
class Story:
    """`before`, and `earlier` before that, are there when `task` is cut short; `names` are the
    containers in the end, of which those in `kept` are the same as before; `releases` is how many
    are kept then."""

    name: str
    task: Params
    before: Optional[Params]
    names: tuple[str, ...]
    kept: tuple[str, ...] = ()
    releases: int = 0
    earlier: Optional[Params] = None


STORIES = (
    Story("up", OLD, None, tuple(NAMES)),
    Story("update", project(db={"environment": {"LOG": "debug"}}), OLD, tuple(NAMES), ("web",)),
    Story("fewer", project(web={"scale": 1}), OLD, tuple(NAMES[:3]), ("db", "side")),
    Story("down", GONE, OLD, ()),
    Story(
        "a port that moves",
        project(web={"scale": 1, "ports": PORTS}),
        project(web={"scale": 1}, db={"ports": PORTS}),
        tuple(NAMES[:3]),
    ),
    Story(
        "hooks",
        project(db={**HOOKS, "environment": {"LOG": "debug"}}, side=HOOKS),
        HOOKED,
        tuple(NAMES),
        ("web",),
    ),
    Story("a release", {**SIDE, **KEEP}, {**OLD, **KEEP}, tuple(NAMES), ("db", "web"), 2),
    Story("a release beyond", {**SIDE, **KEEP1}, {**OLD, **KEEP}, tuple(NAMES), ("db", "web"), 1),
    Story(
        "back to a release",
        {**SIDE, "rollback": True},
        {**SIDE, **KEEP},
        tuple(NAMES),
        ("db", "web"),
        1,
        {**OLD, **KEEP},
    ),
    Story("down, with releases", GONE, {**SIDE, **KEEP}, (), (), 0, {**OLD, **KEEP}),
)


class Stage(StackStage):
    """A fake engine on which one story has been prepared."""

    def __init__(self, story: Story, crew: Crew) -> None:
        super().__init__(crew)
        self.story = story

    def prepare(self) -> None:
        self.fake.add_image("app:1", behaviour="healthy")
        self.fake.add_image("app:2", cmd=["another"])
        for params in filter(None, (self.story.earlier, self.story.before)):
            self.made(params)

    def as_declared(self, where: str) -> None:
        """All that is declared is there once, runs, and is joined as declared; nothing else is."""
        ids = self.ids()
        assert sorted(ids) == sorted(self.story.names), where
        for name in self.story.kept:
            for full in (one for one in self.story.names if f"-{name}-" in one):
                assert ids[full] == self.before[full], f"{where}: {full} is another one"
        with self.client() as client:
            seen = {name: client.get(f"/containers/{name}/json") for name in ids}
            volumes = [one["Name"] for one in client.get("/volumes")["Volumes"] or ()]
            networks = sorted(one["Name"] for one in client.get("/networks"))
        assert all(one["State"]["Running"] for one in seen.values()), where
        assert volumes == ["shop_data"], where
        own = ["shop_back", "shop_default"] if ids else []
        assert [name for name in networks if name.startswith("shop")] == own, where
        if ids:
            mode = seen["shop-side-1"]["HostConfig"]["NetworkMode"]
            assert mode == f"container:{ids['shop-db-1']}", where
        self.with_releases(where)
        again = self.run(self.story.task)
        assert again["changed"] is False, f"{where}: {again['plan']['text']}"

    def with_releases(self, where: str) -> None:
        """So many releases are kept, each with all of its images, and no other tag of any."""
        every = [tag for image in self.fake.images.values() for tag in image["RepoTags"]]
        tags = [tag.partition(":shop.")[2] for tag in every if "/releases:" in tag]
        serials = [tag for tag in tags if tag.isdigit()]
        assert len(serials) == self.story.releases, f"{where}: {tags}"
        services = ("db", "side", "web")
        whole = [f"{serial}.{service}" for serial in serials for service in services]
        assert sorted(tags) == sorted([*serials, *whole]), where


@pytest.mark.parametrize("kind", KINDS if ALL else ("500-after", "kill-after"))
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_the_next_run_converges(
    story: Story, kind: str, crew: Crew, record_property: Callable[[str, object], None]
) -> None:
    with Stage(story, crew) as stage:
        result = stage.run(story.task)
        assert not result.get("failed"), result["msg"]
        count = stage.fake.faults.count
        stage.as_declared("in peace")

    def point(number: int) -> bool:
        with Stage(story, crew) as stage:
            where, result = stage.cut(story.task, number, kind)
            if not where:
                return False
            if result:
                # A hook that fails before a stop is only noted.
                assert result.get("failed") or "/exec" in where, where
                assert "\n" not in result["msg"], where
            again = stage.run(story.task)
            assert not again.get("failed"), f"{where}: {again.get('msg')}"
            stage.as_declared(where)
            return True

    hit = at_each(point, count)
    record_property(f"{POINTS}{kind}, a stack: {story.name}", hit)
    assert hit == count
