"""Pruning: the right images and caches go, and nothing that is needed."""

from __future__ import annotations

import json
import random
from typing import Any, Dict

from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.prune.resource import PRUNE

from tests.lab.fake_engine import FakeEngine
from tests.lab.serving import Request, Response
from tests.lab.tasks import do

OURS = {"dockyard.fleet.image": '{"v":1,"name":"old:1","salt":"1"}'}


def prune(web_engine: FakeEngine, **params: Any) -> Dict[str, Any]:
    return do(PRUNE, web_engine.socket_path, **params)


def test_a_build_on_top_of_ours_is_not_ours(web_engine: FakeEngine) -> None:
    ours = web_engine.add_image("old:1", labels=OURS, seed="first")
    theirs = web_engine.add_image("top:1", labels=OURS, seed="second")
    used = web_engine.add_image(
        "used:1", labels={"dockyard.fleet.image": '{"v":1,"name":"used:1"}'}
    )
    with Client(unix_dial(web_engine.socket_path), 5) as client:
        client.post("/containers/create", {"name": "holds"}, {"Image": "used:1"})
    for number, image in enumerate((ours, theirs, used)):
        web_engine.images[image]["_created"] = 1700000000 + number
        web_engine.images[image]["RepoTags"].clear()
    result = prune(web_engine, images=True)
    assert result["removed"]["images"] == [ours.partition(":")[2][:12]]
    assert ours not in web_engine.images
    assert {theirs, used} <= set(web_engine.images)
    result = prune(web_engine, images=True, all=True)
    assert result["removed"]["images"] == [theirs.partition(":")[2][:12]]
    assert used in web_engine.images


def test_a_replaced_container_that_stands_aside_stays(web_engine: FakeEngine) -> None:
    with Client(unix_dial(web_engine.socket_path), 5) as client:
        for name in ("theirs", "other"):
            client.post("/containers/create", {"name": name}, {"Image": "app:1"})
        key = client.get("/containers/theirs/json")["Id"]
        client.post("/containers/theirs/rename", {"name": f"theirs.old-{key[:12]}"})
    assert prune(web_engine, containers=True, all=True)["removed"]["containers"] == ["other"]
    assert web_engine.names() == [f"theirs.old-{key[:12]}", "web"]


def test_a_note_of_a_network_that_is_being_replaced_stays(web_engine: FakeEngine) -> None:
    with Client(unix_dial(web_engine.socket_path), 5) as client:
        for name, labels in (("note", {"dockyard.fleet.network.note": "{}"}), ("free", {})):
            client.post("/networks/create", None, {"Name": name, "Labels": labels})
    assert prune(web_engine, networks=True, all=True)["removed"]["networks"] == ["free"]


def test_the_build_cache_goes_as_far_as_it_is_not_used(web_engine: FakeEngine) -> None:
    web_engine.state.build_cache += [
        {"ID": "a", "InUse": True, "Size": 5},
        {"ID": "b", "InUse": False, "Size": 7},
    ]
    check = prune(web_engine, build_cache=True, check=True)
    assert check["plan"]["text"] == (
        "build cache\n  1 entries that no build uses [none]\n    prune build cache\n"
    )
    assert prune(web_engine, build_cache=True)["space_reclaimed"] == 7
    assert prune(web_engine, build_cache=True)["changed"] is False
    assert [one["ID"] for one in web_engine.state.build_cache] == ["a"]


def test_all_tags_of_an_image_go(web_engine: FakeEngine) -> None:
    web_engine.add_image("free:1", seed="free")
    with Client(unix_dial(web_engine.socket_path), 5) as client:
        client.post("/images/free:1/tag", {"repo": "more", "tag": "2"})
    result = prune(web_engine, unused_images=True, all=True)
    assert result["removed"]["images"] == ["free:1"]
    assert web_engine.image("more:2") is None
    assert web_engine.image("app:1") is not None


class Shuffling(FakeEngine):
    """The fake engine, whose lists come in another order each time, as those of a real one may."""

    turn = 0

    def answer(self, request: Request) -> Response:
        response = super().answer(request)
        if request.path in ("/containers/json", "/images/json", "/networks", "/volumes"):
            self.turn += 1
            value = json.loads(response.body)
            listed = value["Volumes"] if request.path == "/volumes" else value
            random.Random(self.turn).shuffle(listed)
            response.body = json.dumps(value).encode()
        return response


def test_a_plan_is_the_same_in_whatever_order_the_engine_lists() -> None:
    with Shuffling() as web_engine, Client(unix_dial(web_engine.socket_path), 5) as client:
        for name in ("app:1", "app:2", "app:3"):
            web_engine.add_image(name, seed=name)
            client.post("/networks/create", None, {"Name": f"net-{name[-1]}"})
            client.post("/volumes/create", None, {"Name": f"data-{name[-1]}"})
            client.post("/containers/create", {"name": f"box-{name[-1]}"}, {"Image": name})
        kinds = ("containers", "unused_images", "networks", "volumes")
        task = {**dict.fromkeys(kinds, True), "all": True}
        checks = [prune(web_engine, check=True, **task) for _turn in range(10)]
        made = prune(web_engine, **task)
        assert {one["plan"]["text"] for one in checks} == {made["plan"]["text"]}
        assert {one["plan"]["fingerprint"] for one in checks} == {made["plan"]["fingerprint"]}
        assert made["removed"]["networks"] == ["net-1", "net-2", "net-3"]


def test_what_is_used_again_meanwhile_is_an_error_that_names_it(web_engine: FakeEngine) -> None:
    with Client(unix_dial(web_engine.socket_path), 5) as client:
        client.post("/containers/create", {"name": "idle"}, {"Image": "app:1"})
        web_engine.faults.reset()
        web_engine.faults.at(1, "500")
        result = prune(web_engine, containers=True, all=True)
        assert result["msg"] == "container/idle: the daemon was told to fail"
        web_engine.faults.reset()
        client.post("/containers/idle/start")
    assert prune(web_engine, containers=True, all=True)["changed"] is False
