"""Engines that answer with success and drop what was asked for: told once, and never a loop."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

from tests.lab.casework import Bench

CASE: Dict[str, Any] = {"images": {"app:1": {"cmd": ["serve"]}}}


def test_a_network_that_is_not_as_declared_is_told_and_not_replaced(tmp_path: Path) -> None:
    task = {"name": "front", "internal": True}
    with Bench("network", {"ignores": ["Internal"]}, tmp_path) as bench:
        bench.prepare()
        first = bench.run(task)
        made = bench.client().get("/networks/front")["Id"]
        check, again = (bench.run(task, check=one) for one in (True, False))
        kept = bench.client().get("/networks/front")["Id"]
        left = bench.run({**task, "ignore_changes": ["internal"]})
    assert (first["failed"], first["changed"]) == (True, True)
    assert "did not apply internal: false → true" in first["msg"]
    assert first["done"] == ["create front"]
    assert first["plan"]["text"].startswith("network/front\n")
    assert made == kept
    assert check["msg"] == again["msg"]
    assert "the engine has created the network this way, although" in again["msg"]
    assert again["changed"] is False
    assert (left.get("failed"), left["changed"]) == (None, False)


def test_a_live_change_that_is_ignored_is_reported_with_what_was_made(tmp_path: Path) -> None:
    web = {"name": "web", "image": "app:1"}
    with Bench("container", {**CASE, "before": [web]}, tmp_path) as bench:
        bench.prepare()
        bench.fake.state.ignores.append("update CpuShares")
        result = bench.run({**web, "cpu_shares": 512, "mem_limit": "64m"})
        limits = bench.client().get("/containers/web/json")["HostConfig"]
    assert (result["failed"], result["changed"], result["updated"]) == (True, True, True)
    assert "did not apply cpu_shares: none → 512" in result["msg"]
    assert result["done"] == ["update web"]
    assert limits["Memory"] == 64 << 20
