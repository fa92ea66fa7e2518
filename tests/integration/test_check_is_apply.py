"""On the real engine: what check mode announces is what applying does, and then it is done."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

import pytest

from tests.lab.boxes import Boxes, docker
from tests.lab.corework import Crew
from tests.lab.killing import Params
from tests.lab.proxy import Proxy
from tests.lab.registry import Registry

FULL: Params = {
    "image": "app:1",
    "environment": {"LOG": "info", "OLD": "1"},
    "secret_environment": {"TOKEN": "hush"},
    "labels": {"team": "shop"},
    "networks": ["front"],
    "volumes": ["/cache"],
    "restart": "unless-stopped",
    "mem_limit": "64m",
    "pids_limit": 50,
    "monitor": "100ms",
}
# What is there, what is declared, and the verbs that make it so; one in brackets before API 1.44,
# since which a container is created in all of its networks.
CASES: dict[str, tuple[Optional[Params], Params, str]] = {
    "creation": (None, FULL, "create start wait"),
    "creation in two networks": (
        None,
        {**FULL, "networks": ["front", "back"]},
        "create (connect) start wait",
    ),
    "nothing to do": (FULL, FULL, ""),
    "an environment key removed": (
        FULL,
        {**FULL, "environment": {"LOG": "info"}},
        "create disable_restart stop rename rename start wait remove",
    ),
    "another secret": (
        FULL,
        {**FULL, "secret_environment": {"TOKEN": "hush again"}},
        "create disable_restart stop rename rename start wait remove",
    ),
    "another image": (
        FULL,
        {**FULL, "image": "app:2"},
        "create disable_restart stop rename rename start wait remove",
    ),
    "a limit raised": (FULL, {**FULL, "mem_limit": "128m"}, "update"),
    "a limit lifted": (
        FULL,
        {key: value for key, value in FULL.items() if key != "mem_limit"},
        "create disable_restart stop rename rename start wait remove",
    ),
    "another restart policy": (FULL, {**FULL, "restart": "no"}, "update"),
    "one more network": (FULL, {**FULL, "networks": ["front", "back"]}, "connect"),
    "another network": (FULL, {**FULL, "networks": ["back"]}, "connect disconnect"),
    "stopped": (FULL, {**FULL, "state": "stopped"}, "stop"),
    "started": ({**FULL, "state": "stopped"}, FULL, "start wait"),
    "removed": (FULL, {"state": "absent"}, "stop remove"),
}


class Yard:
    """Tasks run by the core, through a proxy that counts what is written."""

    def __init__(self, boxes: Boxes, crew: Crew, proxy: Proxy) -> None:
        self.boxes = boxes
        self.crew = crew
        self.proxy = proxy
        self.networks = {name: boxes.network(name) for name in ("front", "back")}
        self._numbers = itertools.count(1)

    def new_name(self) -> str:
        return f"{self.boxes.prefix}-{next(self._numbers):02}"

    def filled(self, params: Params, name: str) -> Params:
        """Put real names where a case has short ones."""
        made = {**params, "name": name}
        if "networks" in made:
            made["networks"] = [self.networks[short] for short in made["networks"]]
        if made.get("image", "").startswith("app:"):
            made["image"] = self.boxes.image(made["image"].partition(":")[2])
        return made

    def run(self, params: Params, check: bool = False) -> dict[str, Any]:
        self.proxy.forget()
        result = self.crew.run(params, self.proxy.socket_path, check).result
        assert not result.get("failed"), result.get("msg")
        return result

    def only_reads(self) -> bool:
        return self.proxy.writes == []


@pytest.fixture(scope="module")
def yard(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    folder = tmp_path_factory.mktemp("locks")
    with Boxes("check") as boxes, Crew(folder, 1) as crew, Proxy() as proxy:
        yield Yard(boxes, crew, proxy)


def steps(result: dict[str, Any]) -> list[dict[str, Any]]:
    return [dict(step) for step in result["plan"]["steps"]]


def picture(name: str) -> str:
    form = "{{.Id}} {{.State.StartedAt}} {{.State.Running}} {{json .HostConfig}}"
    listed = docker("ps", "-aq", "--no-trunc", "--filter", f"name=^{name}$")
    return docker("inspect", "-f", form, listed) if listed else ""


def holds(yard: Yard, task: Params) -> dict[str, Any]:
    """Check, apply, check and apply again; return the result of the first apply."""
    before = picture(task["name"])
    check = yard.run(task, check=True)
    assert yard.only_reads()
    assert picture(task["name"]) == before
    apply = yard.run(task)
    # Same steps, same order, with cause and impact.
    assert steps(apply) == steps(check)
    assert apply["changed"] is check["changed"] is bool(steps(check))
    after = picture(task["name"])
    for in_check in (True, False):
        again = yard.run(task, check=in_check)
        assert steps(again) == []
        assert again["changed"] is False
        assert yard.only_reads()
    assert picture(task["name"]) == after
    return apply


@pytest.mark.parametrize("case", CASES)
def test_apply_does_what_check_announced(case: str, yard: Yard) -> None:
    before, task, verbs = CASES[case]
    name = yard.new_name()
    if before is not None:
        yard.run(yard.filled(before, name))
        yard.boxes.remember_volumes([name])
    result = holds(yard, yard.filled(task, name))
    since = tuple(map(int, docker("version", "-f", "{{.Server.APIVersion}}").split("."))) >= (1, 44)
    words = [word.strip("()") for word in verbs.split() if not (since and word.startswith("("))]
    assert [step["verb"] for step in steps(result)] == words
    if task.get("state") != "absent":
        yard.boxes.remember_volumes([name])
        running = docker("inspect", "-f", "{{.State.Running}}", name)
        assert running == ("false" if task.get("state") == "stopped" else "true")


def test_removed_with_the_data_that_it_took_over(yard: Yard) -> None:
    task = yard.filled(FULL, yard.new_name())
    yard.run(task)
    yard.run({**task, "image": yard.boxes.image("2")})
    volumes = yard.boxes.remember_volumes([task["name"]])
    assert len(volumes) == 2
    result = holds(yard, {"name": task["name"], "state": "absent", "remove_volumes": True})
    verbs = [step["verb"] for step in steps(result)]
    assert verbs == ["stop", "remove", "remove_volume", "remove_volume"]
    assert not volumes & set(docker("volume", "ls", "-q").split())


def test_an_image_is_pulled_for_it(yard: Yard, tmp_path: Path) -> None:
    with Registry(tmp_path) as registry:
        reference = f"{registry.address}/{yard.boxes.prefix}/app:1"
        docker("tag", yard.boxes.image("1"), reference)
        docker("push", "-q", reference)
        docker("rmi", reference)
        try:
            result = holds(yard, {**yard.filled(FULL, yard.new_name()), "image": reference})
            verbs = [step["verb"] for step in steps(result)]
            assert verbs == ["pull", "create", "start", "wait"]
        finally:
            docker("rmi", "-f", reference)
