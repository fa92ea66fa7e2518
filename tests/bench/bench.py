"""What a task costs: beside a ping, and beside the same loop of community.docker.

`make bench` runs it. It prints a table and asserts nothing: machines differ, ratios less so.
"""

from __future__ import annotations

import os
import platform
from typing import Any

import pytest

from tests.bench.place import COMMAND, IMAGE, PREFIX, remove_all
from tests.bench.timing import Row, Stage, Task, table

PAIRS = 15
LOOPS = 7
# What a command in a container may take beyond one on its host, in seconds.
LIMIT = [0.06] * PAIRS
MANY = 50


def ours(name: str, options: Task, **task: object) -> Task:
    return {"name": name, "dockyard.fleet.container": options, **task}


def wanted(name: str, **options: object) -> Task:
    return {"name": name, "image": IMAGE, "command": COMMAND, "network_mode": "none", **options}


def loop(name: str, state: str = "started", **options: object) -> Task:
    one = wanted(f"{PREFIX}-a{{{{ item }}}}", state=state, **options)
    return ours(name, one, loop=list(range(MANY)))


def other_loop(name: str, state: str = "started") -> Task:
    one = {**wanted(f"{PREFIX}-b{{{{ item }}}}", state=state), "force_kill": False}
    return {
        "name": name,
        "community.docker.docker_container": one,
        "environment": {"PYTHONPATH": "{{ bench_library }}"},
        "loop": list(range(MANY)),
    }


def single(stage: Stage, where: str) -> list[Row]:
    """Measure a further no-op task beside a further ping, pair by pair in one play."""
    ready = wanted(f"{PREFIX}-one")
    triple = [
        {"name": "ping", "ansible.builtin.ping": {}},
        ours("channel", {**ready, "engine_via": "channel"}),
        ours("target", {**ready, "engine_via": "target"}),
    ]
    times = stage.seconds([ours("create", ready), *triple * (PAIRS + 1)])
    # The first of each pays for what later ones find done.
    ping, channel, target = (times[name][1:] for name in ("ping", "channel", "target"))
    return [
        Row("no-op task, channel, beside ping", where, channel, ping, 0.3),
        Row("no-op task, module, beside ping", where, target, ping, 1.3),
    ]


def inside(stage: Stage, variables: dict[str, Any]) -> list[Row]:
    """Measure a command in a container by the connection plugin, over ssh.

    What it takes beyond Ansible's own command on the host stands beside the goal, and the whole
    beside docker's client on the host; all over one shared ssh connection.
    """
    box = f"{PREFIX}-one"
    plugin = {
        "ansible_connection": "dockyard.fleet.container",
        "ansible_container_name": box,
        "ansible_container_user": "0",
        "ansible_container_host": variables["ansible_host"],
        "ansible_container_host_port": variables["ansible_port"],
        "ansible_container_host_user": variables["ansible_user"],
        "ansible_container_host_private_key_file": variables["ansible_ssh_private_key_file"],
    }
    no_tty = {"ansible_ssh_use_tty": False}  # a server that is not root's has none
    triple = [
        {"name": "host", "ansible.builtin.raw": "true", "vars": no_tty},
        {"name": "plugin", "ansible.builtin.raw": "true", "vars": plugin},
        {"name": "client", "ansible.builtin.raw": f"docker exec {box} true", "vars": no_tty},
    ]
    times = stage.seconds([ours("create", wanted(box)), *triple * (PAIRS + 1)])
    host, own, client = (times[name][1:] for name in ("host", "plugin", "client"))
    beyond = [one - other for one, other in zip(own, host)]
    return [
        Row("exec by connection, beyond a command on the host, of 60 ms", "ssh", beyond, LIMIT, 1),
        Row("exec by connection, beside ssh and docker exec", "ssh", own, client),
    ]


def loops(stage: Stage, where: str) -> Row:
    """Measure a loop of no-ops beside the other collection's."""
    times = stage.seconds([loop("ours"), other_loop("other")] * LOOPS)
    return Row(
        f"loop of {MANY} no-ops, beside community.docker", where, times["ours"], times["other"]
    )


def once(stage: Stage, what: str, state: str, **options: object) -> Row:
    times = stage.seconds([loop("ours", state, **options), other_loop("other", state)])
    return Row(f"{what}, beside community.docker", "local", times["ours"], times["other"])


def test_bench(stages: dict[str, Stage], capsys: pytest.CaptureFixture[str]) -> None:
    load = os.getloadavg()[0]
    rows = [row for where, stage in stages.items() for row in single(stage, where)]
    if "ssh" in stages:
        rows += inside(stages["ssh"], stages["ssh"].variables)
    local = stages["local"]
    # The other collection does not look whether what it started stays up: once as it does, and
    # once as ours does unless told otherwise.
    rows.append(once(local, f"create {MANY} with wait: none", "started", wait="none"))
    rows.append(once(local, f"remove {MANY}", "absent"))
    rows.append(once(local, f"create {MANY}, each watched for 0.5 s", "started"))
    rows += [loops(stage, where) for where, stage in stages.items()]
    remove_all()
    with capsys.disabled():
        print(f"\nPython {platform.python_version()}, {os.cpu_count()} CPUs, load {load:.1f} at")
        print(
            f"the begin and {os.getloadavg()[0]:.1f} at the end. Medians; range of paired ratios."
        )
        print(table(rows))
