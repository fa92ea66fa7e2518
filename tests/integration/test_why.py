"""On the real engine: why a container is not up is said at once, and in one line."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container.resource import (
    CONTAINER,
)

from tests.lab.boxes import SOCKET, Boxes, docker
from tests.lab.tasks import do

NEVER = {"test": ["CMD-SHELL", "echo not $TOKEN; exit 4"], "interval": "100ms", "retries": 2}
NO_PROBE = {"test": ["CMD", "no-such-probe"], "interval": "100ms", "retries": 2}
SHELL = ["sh", "-c"]
# What cannot work, what is said of it, and the exit code.
BROKEN: dict[str, tuple[dict[str, Any], str, int | None]] = {
    "exits": (
        {"command": [*SHELL, "echo no $TOKEN; exit 3"], "wait": "healthy", "healthcheck": NEVER},
        "the container exited with code 3; its last words: no ********",
        3,
    ),
    "not found by its shell": (
        {"command": [*SHELL, "exec nosuch"]},
        "exited with code 127 (its command was not found); its last words: sh: exec:",
        127,
    ),
    "out of memory": (
        {"command": [*SHELL, "x=a; while :; do x=$x$x; done"], "mem_limit": "8m"},
        "was killed because it ran out of memory: mem_limit is 8MiB",
        137,
    ),
    "killed by another": (
        {"command": [*SHELL, "exit 137"], "mem_limit": "64m"},
        "exited with code 137 (SIGKILL, sent by somebody else or because",
        137,
    ),
    "crash loop": (
        {"command": [*SHELL, "sleep 0.1; exit 7"], "restart": "always", "monitor": "30s"},
        "exited with code 7, and is being restarted",
        7,
    ),
    "unhealthy": (
        {"command": ["sleep", "1d"], "healthcheck": NEVER, "wait": "healthy"},
        "is unhealthy; its probe said: not ********; it wrote nothing to its log",
        0,
    ),
    "no such probe": (
        {"command": ["sleep", "1d"], "healthcheck": NO_PROBE, "wait": "healthy"},
        'exec: "no-such-probe": executable file not found',
        0,
    ),
    "no such command": ({"command": ["nosuch"]}, "; the command is not in the image", 127),
    "not executable": ({"command": ["/etc"]}, "; the command is not executable for that user", 126),
    "no such user": ({"user": "nosuch"}, "user: the image has no such user; use a number", 128),
    "a file on a folder": (
        {"volumes": ["/etc/hostname:/etc"]},
        "volumes: a folder would be mounted on a file",
        127,
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_why_it_is_not_up(kind: str, engine: None, boxes: Boxes) -> None:
    params, said, code = BROKEN[kind]
    task = {
        "name": f"{boxes.prefix}-web",
        "image": boxes.image("1"),
        "secret_environment": {"TOKEN": "hush-hush"},
        "wait_timeout": "60s",
        **params,
    }
    begun = time.monotonic()
    result = do(CONTAINER, SOCKET, **task)
    assert result["failed"] is True
    assert said in result["msg"]
    assert "\n" not in result["msg"]
    assert result["exit_code"] == code
    assert result["oom_killed"] == (kind == "out of memory")
    assert time.monotonic() - begun < 20
    assert "hush-hush" not in json.dumps(result)
    assert docker("ps", "-aq", "--filter", f"name={boxes.prefix}") == ""


@pytest.fixture(scope="module")
def boxes() -> Any:
    with Boxes("why") as made:
        yield made
