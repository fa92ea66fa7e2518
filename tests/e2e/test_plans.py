"""The plans a user reads, word by word; `pytest -s` prints them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.checkout import Checkout, Run
from tests.lab.servers import Server

HOST = "e2e-sudopw"
CLOCK: dict[str, Any] = {
    "name": "demo-clock",
    "image": "demo/page:1",
    "command": ["sh", "-c", "while :; do uptime; sleep 60; done"],
    "environment": {"LANG": "C"},
}


def check(tree: Checkout, container: dict[str, Any]) -> Run:
    """Plan one container in the place of the demonstration's."""
    options = ("--check", "--diff", "--tags", "workloads", "--limit", HOST)
    extra = json.dumps({"workloads_containers": [container]})
    return tree.play("playbooks/site.yml", *options, "--extra-vars", extra)


def show(what: str, plan: str) -> None:
    print(f"\n--- {what}\n{plan}")


def test_first_creation_on_a_bare_server(planned: Run) -> None:
    said = [line.strip() for line in planned.output.splitlines() if "will be installed'" in line]
    plan = [said[0], planned.plan("image/demo/page:1"), planned.plan("container/demo-page")]
    show("first creation on a bare server", "\n".join(plan))
    assert "docker.io" in plan[0]


def test_nothing_to_do(first: Run, tree: Checkout) -> None:
    done = check(tree, CLOCK)
    show("nothing to do", "\n".join(x.strip() for x in done.output.splitlines() if "unchang" in x))
    assert done.changed == {HOST: 0}
    assert "container/demo-clock" not in done.output


@pytest.mark.parametrize(
    ("what", "change", "cause", "impact"),
    [
        (
            "one environment key removed",
            {"environment": {}},
            "environment.LANG: ******** → none",
            "replace",
        ),
        ("memory raised", {"mem_limit": "128m"}, "mem_limit: 64MiB → 128MiB", "live"),
        ("memory lifted", {"mem_limit": None}, "mem_limit: 64MiB → none", "replace"),
    ],
)
def test_a_change(
    what: str, change: dict[str, Any], cause: str, impact: str, first: Run, tree: Checkout
) -> None:
    plan = check(tree, {**CLOCK, **change}).plan("container/demo-clock")
    show(what, plan)
    assert f"  {cause} [{impact}]" in plan
    assert plan.splitlines()[-1].startswith("    update " if impact == "live" else "    create ")


def test_an_image_rebuilt_because_of_one_file(first: Run, tree: Checkout) -> None:
    page = tree.folder / "playbooks/demo/page/index.html"
    before = page.read_text()
    page.write_text(before.replace("It works", "It still works"))
    try:
        done = check(tree, CLOCK)
    finally:
        page.write_text(before)
    plan = [done.plan("image/demo/page:1"), done.plan("container/demo-clock")]
    show("image rebuilt because of one file", "\n".join(plan))
    assert "  context: index.html changed [none]" in plan[0]
    assert "(known after apply: context: index.html changed) [replace]" in plan[1]


def test_a_foreign_container_of_the_same_name(
    first: Run, tree: Checkout, servers: dict[str, Server]
) -> None:
    server = servers[HOST]
    server.exec("docker", "run", "-d", "--name", "foreign", "demo/page:1", "sleep", "1d")
    try:
        done = check(tree, {**CLOCK, "name": "foreign"})
    finally:
        server.exec("docker", "rm", "-f", "foreign")
    said = done.output[done.output.index("Manage containers") :].split("PLAY RECAP")[0]
    show("foreign container of the same name", said)
    assert done.code == 2
    assert "adopt: true" in said
