"""Networks and volumes on the real engine, by both front ends."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.boxes import docker
from tests.lab.playing import Play

VIA = ("channel", "target")
_OWN = re.compile(r"[0-9a-f]{64}|(?<=\.old-)[0-9a-f]{12}|\d{4}-\d\d-\d\dT[\d:.]+Z")
PREFIX = "fleet-netvol"
NET, VOLUME, WEB, JOB = (f"{PREFIX}-{name}" for name in ("net", "volume", "web", "job"))
WIDE = {"config": [{"subnet": "10.219.0.0/16"}]}
NARROW = {"config": [{"subnet": "10.219.0.0/24", "gateway": "10.219.0.254"}]}


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    """Leave the engine without anything of these tests."""
    sweep()
    yield
    sweep()


def sweep() -> None:
    for command, remove in (("ps -aq", "rm -f"), ("network ls -q", "network rm")):
        listed = docker(*command.split(), "--filter", f"name={PREFIX}").split()
        if listed:
            docker(*remove.split(), *listed)
    listed = docker("volume", "ls", "-q", "--filter", f"name={PREFIX}").split()
    if listed:
        docker("volume", "rm", *listed)


def network(via: str, **params: Any) -> dict[str, Any]:
    return {"dockyard.fleet.network": {"name": NET, "engine_via": via, **params}}


def volume(via: str, **params: Any) -> dict[str, Any]:
    return {"dockyard.fleet.volume": {"name": VOLUME, "engine_via": via, **params}}


def told(result: dict[str, Any]) -> Any:
    """Return what a result says of a task, without what differs from run to run."""
    made = {key: value for key, value in result.items() if key not in ("engine_way", "invocation")}
    made.get("plan", {}).pop("fingerprint", None)
    for kind in ("network", "volume"):
        if made.get(kind):
            made[kind].pop("Labels")  # they hold the salt of the record
    return json.loads(_OWN.sub("<own>", json.dumps(made, sort_keys=True)))


def command(*words: str) -> dict[str, Any]:
    return {"ansible.builtin.command": {"argv": ["docker", *words]}}


def containers() -> list[dict[str, Any]]:
    """Return the tasks that put a running and a stopped container on the network."""
    page = "echo served > /index.html; exec httpd -f -p 80 -h /"
    place = ("--network", NET, "--network-alias", "shop", "--ip", "10.219.0.7")
    image = "dev/busybox:1"
    return [
        command("run", "-d", "--name", WEB, *place, "-p", "127.0.0.1::80", image, "sh", "-c", page),
        command("run", "-d", "--name", JOB, "--network", NET, "--stop-signal", "KILL", image),
        command("stop", JOB),
        command("inspect", WEB),
    ]


def story(via: str) -> list[dict[str, Any]]:
    return [
        network(via, ipam=WIDE),
        network(via, ipam=WIDE),
        *containers(),
        {**network(via, ipam=NARROW), "check_mode": True},
        network(via, ipam=NARROW),
        network(via, ipam=NARROW),
        network(via, ipam={"config": [{"subnet": "10.220.0.0/24"}]}),
        network(via, state="absent"),
        command("inspect", WEB),
        command("start", JOB),
        command("exec", JOB, "wget", "-q", "-O", "-", "http://shop/"),
        network(via, state="absent", force=True),
        network(via, state="absent"),
        command("rm", "-f", WEB, JOB),
    ]


def test_a_network_is_replaced_under_its_containers(tmp_path: Path) -> None:
    results = {via: Play(tmp_path).run(*story(via)) for via in VIA}
    assert docker("network", "ls", "-q", "--filter", f"name={PREFIX}") == ""
    for made in results.values():
        before, after = (json.loads(made[n]["stdout"])[0] for n in (5, 11))
        assert after["State"]["StartedAt"] == before["State"]["StartedAt"]
        point = after["NetworkSettings"]["Networks"][NET]
        assert point["IPAddress"] == "10.219.0.7"
        assert "shop" in point["Aliases"]
        assert after["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"]
        assert made[13]["stdout"] == "served"
    ours = {via: [one for one in made if "plan" in one] for via, made in results.items()}
    for through_channel, on_target in zip(*ours.values()):
        assert told(through_channel) == told(on_target)
    check, apply, again, unfit, used, *removed = ours["channel"][2:]
    assert [one["changed"] for one in ours["channel"][:2]] == [True, False]
    assert [one["changed"] for one in (check, apply, again, *removed)] == [
        *(True, True, False),
        *(True, False),
    ]
    assert apply["replaced"] is True
    verbs = [step["verb"] for step in apply["plan"]["steps"]]
    assert (
        " ".join(verbs)
        == "save_note disconnect disconnect remove create connect connect remove_note"
    )
    assert apply["plan"]["text"] == check["plan"]["text"]
    assert "the fixed address 10.219.0.7" in unfit["msg"]
    assert f"used by {JOB}, {WEB}" in used["msg"]


def test_a_volume_keeps_its_data_unless_the_loss_is_asked_for(tmp_path: Path) -> None:
    tmpfs = {"type": "tmpfs", "device": "tmpfs"}
    results = {}
    for via in VIA:
        results[via] = Play(tmp_path).run(
            volume(via, driver_opts=tmpfs, secret_driver_opts={"o": "size=1m"}, labels={"a": "b"}),
            volume(via, driver_opts=tmpfs, secret_driver_opts={"o": "size=1m"}, labels={"a": "b"}),
            volume(via, driver_opts=tmpfs, secret_driver_opts={"o": "size=2m"}, labels={"a": "b"}),
            volume(via, destroy=VOLUME),
            volume(via, external=True),
            {"dockyard.fleet.volume_info": {"filters": {"name": [VOLUME], "owned": True}}},
            volume(via, state="absent"),
            volume(via, state="absent", destroy=VOLUME),
            volume(via, external=True),
        )
    for through_channel, on_target in list(zip(*results.values())):
        if "volumes" not in through_channel:
            assert told(through_channel) == told(on_target)
    made = results["channel"]
    assert "size=" not in json.dumps(results)
    flags = [(one["changed"], one.get("replaced", False), one["failed"]) for one in made]
    assert flags == [
        (True, False, False),
        (False, False, False),
        (False, False, True),
        (True, True, False),
        (False, False, False),
        (False, False, False),
        (False, False, True),
        (True, False, False),
        (False, False, True),
    ]
    assert [one["name"] for one in made[5]["volumes"]] == [VOLUME]
