"""container_info and host_info on a real engine, by both front ends."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.amounts import ways
from tests.lab.playing import Play


def docker(*words: str) -> str:
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def name() -> Iterator[str]:
    made = f"fleet-info-{uuid.uuid4().hex[:8]}"
    docker("run", "-d", "--name", made, "--label", f"test={made}", "dev/busybox:1")
    try:
        yield made
    finally:
        docker("rm", "-f", made)


@pytest.mark.parametrize("via", ways())
def test_looking_changes_nothing_and_finds_what_is_there(
    via: str, name: str, tmp_path: Path
) -> None:
    play = Play(tmp_path)
    look = "dockyard.fleet.container_info"
    named, matching, host = play.run(
        {look: {"names": ["no-such-container", name], "engine_via": via}},
        {look: {"filters": {"label": [f"test={name}"], "state": ["running"]}, "engine_via": via}},
        {"dockyard.fleet.host_info": {"disk_usage": True, "engine_via": via}},
    )
    assert [one["changed"] for one in (named, matching, host)] == [False, False, False]
    assert named["containers"][0] == {"name": "no-such-container", "exists": False}
    assert named["containers"][1]["State"]["Status"] == "running"
    assert [one["name"] for one in matching["containers"]] == [name]
    assert host["version"]["Version"] == docker("version", "-f", "{{.Server.Version}}")
    assert host["counts"]["running"] >= 1
    assert host["disk_usage"]["images"] > 0
    assert host["engine_way"]["name"] == ("target" if via == "target" else "socket")


def test_without_an_engine_the_error_says_so(tmp_path: Path) -> None:
    options = {"engine_host": f"unix://{tmp_path}/none.sock"}
    for via in ("channel", "target"):
        (result,) = Play(tmp_path).run({"dockyard.fleet.host_info": {**options, "engine_via": via}})
        assert result["failed"] is True
        assert f"{tmp_path}/none.sock" in result["msg"]
