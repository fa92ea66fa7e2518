"""Endpoints that a running container has on paper only, since a connect has failed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Iterator

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.errors import (
    EngineError,
)

from tests.lab.casework import Bench

FRONT = {"Name": "front", "IPAM": {"Config": [{"Subnet": "10.20.0.0/24"}]}}
WEB = {"name": "web", "image": "app:1"}
ALONE = {"bridge": {}}
JOINED = {**ALONE, "front": {"ipv4_address": "10.20.0.9"}}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    case: Dict[str, Any] = {
        "images": {"app:1": {"cmd": ["serve"]}},
        "networks": [FRONT],
        "before": [{**WEB, "networks": ALONE}],
    }
    with Bench("container", case, tmp_path) as made:
        made.prepare()
        with pytest.raises(EngineError, match="Address already in use"):
            made.client().post("/networks/front/connect", None, desired_of("10.20.0.1"))
        yield made


def desired_of(address: str) -> Dict[str, Any]:
    return {"Container": "web", "EndpointConfig": {"IPAMConfig": {"IPv4Address": address}}}


def points(bench: Bench) -> Dict[str, Any]:
    networks: Dict[str, Any] = bench.client().get("/containers/web/json")["NetworkSettings"]
    return {name: end["IPAddress"] for name, end in networks["Networks"].items()}


def test_what_is_on_paper_only_is_connected(bench: Bench) -> None:
    task = {**WEB, "networks": JOINED}
    check, apply, again = (bench.run(task, check=one) for one in (True, False, True))
    assert check["plan"]["text"] == apply["plan"]["text"]
    assert "state: not connected" in check["plan"]["text"]
    assert [step["verb"] for step in apply["plan"]["steps"]] == ["connect"]
    assert points(bench)["front"] == "10.20.0.9"
    assert again["changed"] is False


def test_the_very_wish_on_paper_is_not_taken_for_a_place_in_the_network(bench: Bench) -> None:
    task = {**WEB, "networks": {**ALONE, "front": {"ipv4_address": "10.20.0.1"}}}
    assert "10.20.0.1 is the gateway of the network" in bench.run(task)["msg"]


def test_what_nobody_declares_does_not_stay_on_paper(bench: Bench) -> None:
    apply, again = (bench.run({**WEB, "networks": ALONE}) for _time in range(2))
    assert [step["verb"] for step in apply["plan"]["steps"]] == ["connect", "disconnect"]
    assert list(points(bench)) == ["bridge"]
    assert again["changed"] is False


def test_a_network_is_replaced_beside_an_endpoint_on_paper(bench: Bench) -> None:
    task = {"name": "front", "adopt": True, "internal": True}
    apply = bench.run(task, kind="network")
    assert [step["verb"] for step in apply["plan"]["steps"]] == [
        "save_note",
        "remove",
        "create",
        "remove_note",
    ]
    assert bench.run(task, kind="network")["changed"] is False


def test_what_a_failed_change_has_made_is_told(bench: Bench) -> None:
    bench.run({**WEB, "networks": ALONE})
    task = {
        **WEB,
        "mem_limit": "64m",
        "networks": {**ALONE, "front": {"ipv4_address": "10.20.0.255"}},
    }
    failed = bench.run(task)
    assert "Address already in use" in failed["msg"]
    now = bench.client().get("/containers/web/json")
    assert (failed["changed"], now["HostConfig"]["Memory"]) == (True, 64 << 20), failed["done"]
