"""What users of other tools complain of most about containers, each by a test of its name.

Some stand where their subject is tested: 9 in test_image.py, 12 in test_addresses.py, 13 and 15
in tests/unit/_engine/image/test_push.py and tests/unit/_engine/registry/test_login.py too.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container.resource import (
    CONTAINER,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.resource import IMAGE
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.info.readers import CONTAINERS

from tests.lab.boxes import SOCKET, Boxes, docker, inspect
from tests.lab.engines import Engine
from tests.lab.playing import Play
from tests.lab.proxy import Proxy
from tests.lab.sshd import Site
from tests.lab.tasks import do

Params = dict[str, Any]


@pytest.fixture(scope="module")
def boxes(engine: None) -> Iterator[Boxes]:
    with Boxes("say") as made:
        yield made


@pytest.fixture
def web(boxes: Boxes, request: pytest.FixtureRequest) -> Iterator[Params]:
    """Return a task about a container of this test, which is removed at its end."""
    name = f"{boxes.prefix}-{request.node.name.split('_')[3]}"
    yield {"name": name, "image": boxes.image("1"), "monitor": "50ms"}
    boxes.remember_volumes(docker("ps", "-aq", "--filter", f"name={name}").split())
    for box in docker("ps", "-aq", "--filter", f"name={name}").split():
        docker("rm", "-f", box)


def apply(task: Params, socket: str = SOCKET, check: bool = False, **more: Any) -> Params:
    result = do(CONTAINER, socket, check=check, **{**task, **more})
    assert not result.get("failed"), result["msg"]
    return result


@pytest.mark.skipif(os.geteuid() != 0, reason="accounts to log in with are made by root")
def test_complaint_containers_01_nothing_is_needed_on_the_host(web: Params) -> None:
    """By a channel no Python; as a module a Python with nothing installed."""
    folder = Path(tempfile.mkdtemp(prefix="fleet-say-"))
    site = Site(folder, prefix="fleet-say")
    try:
        host = site.sshd(site.account("dock", groups=["docker"])).variables
        for via, way, python in (
            ("channel", "forward", "exit 127"),
            ("target", "target", 'exec /usr/bin/python3 -S -E "$@"'),
        ):
            program = folder / f"python-{via}"
            program.write_text(f"#!/bin/sh\n{python}\n")
            program.chmod(0o755)
            play = Play(folder, {**host, "ansible_python_interpreter": str(program)})
            task = {**web, "labels": {"via": via}, "engine_via": via}
            first, again = play.run(*[{"dockyard.fleet.container": task}] * 2)
            assert not first["failed"], first["msg"]
            assert first["engine_way"]["name"] == way
            assert (first["changed"], again["changed"]) == (True, False)
    finally:
        site.stop()
        shutil.rmtree(folder, ignore_errors=True)


def test_complaint_containers_03_what_is_declared_no_more_goes(web: Params, boxes: Boxes) -> None:
    declared: Params = {
        "environment": {"LOG": "info", "OLD": "yes"},
        "labels": {"team": "shop", "old": "yes"},
        "volumes": ["/kept", "/old"],
        "ports": ["127.0.0.1::80", "127.0.0.1::81"],
        "extra_hosts": ["here:127.0.0.1", "old:127.0.0.1"],
        "cap_drop": ["NET_RAW", "CHOWN"],
    }
    apply(web, **declared)
    boxes.remember_volumes([web["name"]])
    less: Params = {
        key: {name: value[name] for name in [next(iter(value))]}
        if isinstance(value, dict)
        else value[:1]
        for key, value in declared.items()
    }
    assert apply(web, **less)["replaced"] is True
    box = inspect(web["name"])
    assert [one for one in box["Config"]["Env"] if one.startswith(("LOG", "OLD"))] == ["LOG=info"]
    assert box["Config"]["Labels"]["team"] == "shop"
    assert "old" not in box["Config"]["Labels"]
    assert {mount["Destination"] for mount in box["Mounts"]} == {"/data", "/kept"}
    host = box["HostConfig"]
    assert list(host["PortBindings"]) == ["80/tcp"]
    assert (host["ExtraHosts"], host["CapDrop"]) == (["here:127.0.0.1"], ["NET_RAW"])
    assert apply(web, **less)["changed"] is False
    boxes.remember_volumes([web["name"]])
    assert apply(web)["replaced"] is True
    box = inspect(web["name"])
    host = box["HostConfig"]
    assert not any(host[key] for key in ("PortBindings", "ExtraHosts", "CapDrop"))
    assert apply(web)["changed"] is False


def test_complaint_containers_04_another_spelling_is_no_change(web: Params) -> None:
    """Nor is it to declare what the image or the engine has anyway."""
    first: Params = {
        "ports": ["127.0.0.1::80/tcp", "127.0.0.1:9-10:7009-7010"],
        "ulimits": {"nofile": 1024},
        "devices": ["/dev/null"],
        "mem_limit": "64m",
        "command": "sleep 1d",
        "environment": ["LOG=info"],
        "cap_drop": ["CAP_NET_RAW"],
        "stop_grace_period": "90s",
        "cpus": 0.5,
        "volumes": [f"{web['name']}:/logs"],
    }
    other: Params = {
        "ports": [
            {"target": 7010, "published": "10", "host_ip": "127.0.0.1"},
            {"target": 7009, "published": "9", "host_ip": "127.0.0.1"},
            {"target": 80, "host_ip": "127.0.0.1", "protocol": "tcp"},
        ],
        "ulimits": {"nofile": {"soft": 1024, "hard": 1024}},
        "devices": ["/dev/null:/dev/null:rwm"],
        "mem_limit": "65536k",
        "command": ["sleep", "1d"],
        "environment": {"LOG": "info", "RELEASE": "1"},  # the image has RELEASE
        "cap_drop": ["NET_RAW"],
        "stop_grace_period": "1m30s",
        "cpus": "0.50",
        "volumes": [{"type": "volume", "source": web["name"], "target": "/logs"}],
        "stop_signal": "SIGKILL",  # the image's
        "restart": "no",
        "shm_size": "64m",
        "network_mode": "bridge",
        "privileged": False,
    }
    try:
        apply(web, **first)
        again = apply(web, **other)
        assert again["changed"] is False, again["plan"]["text"]
        assert apply(web, **first)["changed"] is False
    finally:
        docker("rm", "-f", web["name"])
        docker("volume", "rm", web["name"])


def test_complaint_containers_05_an_engine_of_version_29(
    web: Params, engine_of: Callable[[str], Engine]
) -> None:
    """No API before 1.44, and images that are called by their manifests."""
    engine = engine_of("d29")
    with engine.client() as client:
        image = client.get("/images/dev/busybox:1/json")
    task = {**web, "image": "dev/busybox:1", "environment": {"LOG": "info"}, "mem_limit": "64m"}
    both = {**task, "image": f"dev/busybox:1@{image['Id']}"}
    changed = {**task, "environment": {"LOG": "debug"}, "mem_limit": "128m"}
    results = [apply(one, engine.socket) for one in (task, task, both, changed, changed)]
    assert [one["changed"] for one in results] == [True, False, False, True, False]
    told = do(CONTAINERS, engine.socket, names=[web["name"]])["containers"]
    assert [one["Image"] for one in told] == [image["Id"]]
    assert apply({"name": web["name"], "state": "absent"}, engine.socket)["changed"] is True


def test_complaint_containers_06_a_check_says_all_and_does_nothing(
    web: Params, boxes: Boxes, tmp_path: Path
) -> None:
    apply(web)
    (tmp_path / "Dockerfile").write_text(f"FROM {boxes.image('1')}\nLABEL release=3\n")
    before = inspect(web["name"])
    images = _images(boxes)
    built: Params = {"name": boxes.image("2"), "build": {"context": str(tmp_path)}}
    with Proxy() as proxy:
        planned = do(IMAGE, proxy.socket_path, check=True, **built)
        later = apply(
            {**web, "image": boxes.image("2")}, proxy.socket_path, True, environment={"A": "b"}
        )
        gone = apply({"name": web["name"], "state": "absent"}, proxy.socket_path, True)
        assert proxy.writes == []
        assert len(proxy.calls) > 6
    assert [step["cause"] for step in planned["plan"]["steps"]] == ["not built by dockyard.fleet"]
    assert "built by dockyard.fleet" in json.dumps(planned["diff"])
    assert later["plan"]["steps"][0]["cause"].startswith("image: ")
    assert "environment" in json.dumps(later["diff"])
    assert (gone["changed"], gone["plan"]["steps"][-1]["verb"]) == (True, "remove")
    assert inspect(web["name"]) == before
    assert _images(boxes) == images


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"runtime": "no-such-runtime"}, "no-such-runtime"),  # the engine refuses to create it
        ({"command": ["no-such-command"]}, "the command is not in the image"),  # or to start it
    ],
)
def test_complaint_containers_08_a_failed_replacement_leaves_the_old_one(
    broken: Params, said: str, web: Params
) -> None:
    apply(web, restart="always")
    before = inspect(web["name"])
    result = do(CONTAINER, SOCKET, **{**web, "restart": "always", **broken})
    assert result["failed"] is True
    assert said in result["msg"]
    after = inspect(web["name"])
    assert (after["Id"], after["State"]["Running"]) == (before["Id"], True)
    assert after["HostConfig"]["RestartPolicy"]["Name"] == "always"
    assert docker("ps", "-aq", "--filter", f"name={web['name']}").count("\n") == 0
    if "runtime" in broken:
        assert after["State"]["StartedAt"] == before["State"]["StartedAt"]


def test_complaint_containers_14_waiting_ends_with_the_container(web: Params) -> None:
    begun = time.monotonic()
    result = do(
        CONTAINER,
        SOCKET,
        **web,
        command=["sh", "-c", "echo no database >&2; exit 3"],
        healthcheck={"test": ["CMD", "true"], "interval": "30s"},
        wait="healthy",
        wait_timeout="5m",
    )
    assert "the container exited with code 3; its last words: no database" in result["msg"]
    assert time.monotonic() - begun < 30


def _images(boxes: Boxes) -> list[str]:
    """Return the images of this test; those made within one second come in any order."""
    return sorted(docker("images", "-q", "--no-trunc", f"{boxes.prefix}/*").split())
