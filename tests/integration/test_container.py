"""The container module through ansible-playbook, by both front ends, on the real engine."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.amounts import ways
from tests.lab.boxes import SOCKET, Boxes, docker, inspect
from tests.lab.killing import Params, look
from tests.lab.playing import Play

# What no two containers have in common: ids, digests, times, process numbers, addresses.
_OWN = re.compile(
    r"[0-9a-f]{64}|\b[0-9a-f]{12}\b|[0-9a-f]{12}(?=_)|\d{4}-\d\d-\d\dT[\d:.]+Z"
    r"|02:42(:[0-9a-f]{2}){4}|\b172\.\d+\.\d+\.\d+"
)
VIA = ("channel", "target")


class Site:
    """Boxes of one test and tasks about them."""

    def __init__(self, boxes: Boxes, folder: Path) -> None:
        self.boxes = boxes
        self.play = Play(folder)
        self.name = f"{boxes.prefix}-web"
        (self.network,) = boxes.networks

    def task(self, via: str, **params: Any) -> dict[str, Any]:
        made: Params = {"name": self.name, "image": self.boxes.image("1"), "engine_via": via}
        return {"dockyard.fleet.container": {**made, "monitor": "200ms", **params}}

    def state_only(self, via: str, state: str) -> dict[str, Any]:
        made = {"name": self.name, "state": state, "engine_via": via}
        return {"dockyard.fleet.container": made}

    def full(self, via: str, **params: Any) -> dict[str, Any]:
        made: Params = {
            "environment": {"LOG": "info", "OLD": "yes"},
            "secret_environment": {"TOKEN": "hush-hush"},
            "labels": {"team": "shop"},
            "ports": ["127.0.0.1::80"],
            "networks": {self.network: {"aliases": ["shop"]}},
            "restart": "unless-stopped",
            "mem_limit": "64m",
            "healthcheck": {"test": ["CMD", "true"], "interval": "200ms"},
            "wait": "healthy",
        }
        return self.task(via, **{**made, **params})

    def look(self) -> dict[str, Any]:
        return dict(look(SOCKET, self.boxes.prefix))


@pytest.fixture(scope="module")
def boxes(engine: None) -> Iterator[Boxes]:
    with Boxes("box") as made:
        made.network("front")
        yield made


@pytest.fixture
def site(boxes: Boxes, tmp_path: Path) -> Iterator[Site]:
    yield Site(boxes, tmp_path)
    left = docker("ps", "-aq", "--filter", f"name={boxes.prefix}").split()
    boxes.remember_volumes(left)
    if left:
        docker("rm", "-f", *left)


def told(result: dict[str, Any]) -> dict[str, Any]:
    """Return what a result says of a task, without what differs from run to run."""
    made = {key: value for key, value in result.items() if key not in ("engine_way", "invocation")}
    box = made.get("container")
    if box:
        made["container"] = {key: box[key] for key in ("Name", "Config", "HostConfig", "Path")}
        made["container"]["Config"].pop("Labels")  # holds the salt of its record
        made["running"] = box["State"]["Running"]
        made["networks"] = sorted(box["NetworkSettings"]["Networks"])
    made.get("plan", {}).pop("fingerprint", None)
    plain: dict[str, Any] = json.loads(_OWN.sub("<own>", json.dumps(made, sort_keys=True)))
    return plain


def test_both_front_ends_tell_the_same(site: Site) -> None:
    results = {}
    for via in VIA:
        removed_key: Params = {"environment": {"LOG": "info"}, "mem_limit": "128m"}
        results[via] = site.play.run(
            site.full(via),
            site.full(via),
            site.full(via, mem_limit="128m"),
            site.full(via, **removed_key),
            site.full(via, **removed_key, image=site.boxes.image("2")),
            site.state_only(via, "stopped"),
            site.full(via, **removed_key, image=site.boxes.image("2")),
            site.task(via, image=f"{site.boxes.prefix}/none:1", pull_policy="never"),
            site.task(via, restart=True),
            site.task(via, networks=["no-such-network"]),
            site.task(via, state="absent", remove_volumes=True),
            site.task(via, state="absent"),
        )
    for through_channel, on_target in zip(results["channel"], results["target"]):
        assert told(through_channel) == told(on_target)
        assert "hush-hush" not in json.dumps([through_channel, on_target])
    made = results["channel"]
    kinds = ("changed", "created", "updated", "replaced", "restarted")
    flags = [[kind for kind in kinds if one.get(kind)] for one in made]
    assert flags == [
        ["changed", "created"],
        [],
        ["changed", "updated"],
        ["changed", "replaced"],
        ["changed", "replaced"],
        ["changed", "restarted"],
        ["changed"],
        [],
        [],
        [],
        ["changed"],
        [],
    ]
    assert [number for number, one in enumerate(made) if one["failed"]] == [7, 8, 9]
    assert made[3]["plan"]["steps"][0]["cause"] == "environment.OLD: ******** → none"
    assert [one["engine_way"]["name"] for one in (made[0], results["target"][0])] == [
        "socket",
        "target",
    ]
    assert site.look() == {}
    assert site.boxes.orphans() == set()


def broken(site: Site, via: str, port: int) -> dict[str, dict[str, Any]]:
    """Return tasks that cannot work, each with the beginning of what is said of it."""
    never = {"test": ["CMD-SHELL", "echo not ready; exit 1"], "interval": "200ms", "retries": 2}
    return {
        "the container exited with code 3; its last words: going down": site.full(
            via,
            command=["sh", "-c", "echo going down; exit 3"],
            wait="started",
            monitor="30s",
            restart="no",
        ),
        "the container is unhealthy; its probe said: not ready": site.full(via, healthcheck=never),
        "the container was not healthy within 1s": site.full(
            via, healthcheck={"test": ["CMD", "sleep", "60"]}, wait_timeout="1s"
        ),
        "another program on the host uses that port": site.full(
            via, ports=[f"127.0.0.1:{port}:80"]
        ),
        "the command is not in the image": site.full(via, command=["no-such-command"]),
    }


@pytest.mark.parametrize("via", ways())
def test_what_cannot_work_leaves_all_as_it_was(site: Site, via: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as outside:
        tasks = broken(site, via, outside.getsockname()[1])
        first = site.play.run(*tasks.values())
        assert site.look() == {}
        site.play.run(site.full(via))
        site.boxes.remember_volumes([site.name])
        docker("exec", site.name, "sh", "-c", "echo precious > /data/kept")
        before = site.look()
        second = site.play.run(*tasks.values())
    assert site.look() == before
    assert docker("exec", site.name, "cat", "/data/kept") == "precious"
    assert site.boxes.orphans() == set()
    (same,) = site.play.run(site.full(via))
    assert same["changed"] is False
    for result, said in zip([*first, *second], [*tasks, *tasks]):
        assert result["failed"] is True
        assert result["changed"] is False
        assert result["msg"].startswith(f"container/{site.name}: "), result["msg"]
        assert said in result["msg"]
    for result in (first[0], second[0]):
        assert result["exit_code"] == 3
        assert result["log"] == ["going down"]
        assert result["failed_step"] == f"wait {site.name}"


@pytest.mark.parametrize("via", VIA)
def test_check_mode_and_the_diff(site: Site, via: str) -> None:
    site.play.run(site.full(via))
    before = inspect(site.name)["Id"]
    (check,) = site.play.run(site.full(via, environment={}), options=("--check", "--diff"))
    assert check["changed"] is True
    assert "environment.OLD: ******** → none [replace]" in site.play.output
    assert inspect(site.name)["Id"] == before
