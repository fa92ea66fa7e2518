"""Containers that somebody changed by hand: one run puts them right, and nothing is made anew."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container.resource import (
    CONTAINER,
)

from tests.lab.boxes import docker
from tests.lab.tasks import do
from tests.lab.ways import SOCKET

PREFIX = "fleet-hand"
NET, WEB, OTHER = (f"{PREFIX}-{name}" for name in ("net", "web", "other"))
IMAGE, SLEEP = "dev/busybox:1", ("sleep", "1d")
HOME = {NET: {"ipv4_address": "10.231.7.20", "aliases": ["shop"]}}
# What somebody does, and the steps that undo it.
HANDS = {
    ("pause", WEB): "unpause wait",
    ("stop", "-t", "0", WEB): "start wait",
    ("network", "disconnect", NET, WEB): "connect",
    ("network", "connect", "bridge", WEB): "disconnect",
    ("update", "--cpu-shares", "77", WEB): "update",
}


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    """Have a network of a subnet of its own; leave nothing."""
    sweep()
    docker("network", "create", "--subnet", "10.231.7.0/24", NET)
    yield
    sweep()


def sweep() -> None:
    for command, remove in (("ps -aq", "rm -f"), ("network ls -q", "network rm")):
        listed = docker(*command.split(), "--filter", f"name={PREFIX}").split()
        if listed:
            docker(*remove.split(), *listed)


def web(check: bool = False, **params: Any) -> dict[str, Any]:
    made = {"name": WEB, "image": IMAGE, "command": [*SLEEP], "networks": HOME, "cpu_shares": 512}
    return do(CONTAINER, SOCKET, check=check, **{**made, "monitor": "50ms", **params})


def test_what_was_done_by_hand_is_undone_without_another_container() -> None:
    made = web()
    for hand, verbs in HANDS.items():
        docker(*hand)
        check, apply, again = web(check=True), web(), web()
        assert " ".join(step["verb"] for step in apply["plan"]["steps"]) == verbs
        assert check["plan"]["text"] == apply["plan"]["text"]
        assert (check["changed"], apply["changed"], again["changed"]) == (True, True, False)
        assert apply["container"]["Id"] == made["container"]["Id"]


def test_an_address_that_cannot_be_had_leaves_the_container_where_it_was() -> None:
    def moved(last: int) -> str:
        address = {"ipv4_address": f"10.231.7.{last}", "aliases": ["shop"]}
        return str(web(networks={NET: address})["msg"])

    docker("run", "-d", "--name", OTHER, "--network", NET, "--ip", "10.231.7.30", IMAGE, *SLEEP)
    web()
    assert f"10.231.7.30 is the address of the container {OTHER}" in moved(30)
    assert "10.231.7.1 is the gateway of the network" in moved(1)
    assert "Address already in use" in moved(255)  # that of the whole network
    assert web()["changed"] is False
    assert "10.231.7.20/24" in docker("exec", WEB, "ip", "-4", "addr")
