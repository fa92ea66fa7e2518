"""prune on a real engine, by label, so that nothing else on it goes."""

from __future__ import annotations

import subprocess
import uuid
from typing import Any, Dict, Iterator

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.prune.resource import PRUNE

from tests.lab.boxes import docker
from tests.lab.tasks import do

SOCKET = "/var/run/docker.sock"
KINDS: Dict[str, Any] = {"containers": True, "images": True, "networks": True}


@pytest.fixture
def tag() -> Iterator[str]:
    """Have of each kind one thing that is used and one that is not, all with one label."""
    made = f"fleet-prune-{uuid.uuid4().hex[:8]}"
    label = ("--label", made)
    for kind in ("network", "volume"):
        for name in ("used", "free"):
            docker(kind, "create", *label, f"{made}-{name}")
    mount = ("-v", f"{made}-used:/data", "--network", f"{made}-used")
    docker("run", "-d", *label, "--name", f"{made}-runs", *mount, "dev/busybox:1", "sleep", "1d")
    docker("create", *label, "--name", f"{made}-idle", "dev/busybox:1")
    docker("commit", "-c", f"LABEL {made}=1", f"{made}-idle")
    try:
        yield made
    finally:
        for kind, remove in (("container", "rm -f"), ("network", "network rm")):
            listed = docker(
                kind, "ls", *(["-a"] * (kind == "container")), "-q", "-f", f"label={made}"
            )
            for one in listed.split():
                docker(*remove.split(), one)
        for command in ("volume ls -q", "images -q"):
            for one in docker(*command.split(), "-f", f"label={made}").split():
                remove = "volume rm" if command.startswith("volume") else "rmi"
                subprocess.run(["docker", *remove.split(), one], check=True, capture_output=True)


def test_what_nothing_uses_goes_and_check_says_so_before(tag: str) -> None:
    params = {**KINDS, "volumes": [f"{tag}-*"], "filters": {"label": [tag]}}
    assert do(PRUNE, SOCKET, **params)["changed"] is False  # nothing of it is ours
    check = do(PRUNE, SOCKET, check=True, all=True, **params)
    image = docker("images", "-q", "-f", f"label={tag}")
    assert check["removed"] == {
        "containers": [f"{tag}-idle"],
        "images": [image],
        "networks": [f"{tag}-free"],
        "volumes": [f"{tag}-free"],
    }
    result = do(PRUNE, SOCKET, all=True, **params)
    assert not result.get("failed"), result["msg"]
    assert result["plan"]["text"] == check["plan"]["text"]
    assert do(PRUNE, SOCKET, all=True, **params)["changed"] is False
    assert docker("ps", "-a", "--format", "{{.Names}}", "-f", f"label={tag}") == f"{tag}-runs"
    assert docker("volume", "ls", "-q", "-f", f"label={tag}") == f"{tag}-used"
    free = do(PRUNE, SOCKET, volumes=True, all=True, filters={"label": [tag]}, check=True)
    assert free["removed"]["volumes"] == []  # they have names
    refused = do(PRUNE, SOCKET, volumes=[f"{tag}-used"])
    assert refused["msg"].endswith(f"volume {tag}-used: it is used by {tag}-runs")
