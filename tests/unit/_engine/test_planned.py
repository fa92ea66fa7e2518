"""A check of several tasks announces what applying them one after the other does.

Each task of a check is told what the ones before it would do. The steps that applying makes then
are among those that were announced, and of those only what was marked `maybe` is not made.
"""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

import pytest

from tests.lab.casework import RESOURCES
from tests.lab.fake_engine import FakeEngine
from tests.lab.tasks import do

Task = Dict[str, Any]
# Arguments of steps that nobody can know before: the id of what is still to be made.
_IDS = ("id", "ids")


def container(name: str, **more: Any) -> Task:
    whole = {"image": "app:1"} if more.get("state") != "absent" else {}
    return {"of": "container", "name": name, "monitor": "1ms", **whole, **more}


def gone(kind: str, name: str, **more: Any) -> Task:
    return {"of": kind, "name": name, "state": "absent", **more}


def network(name: str, **more: Any) -> Task:
    return {"of": "network", "name": name, **more}


def volume(name: str, **more: Any) -> Task:
    return {"of": "volume", "name": name, **more}


def image(name: str, **more: Any) -> Task:
    return {"of": "image", "name": name, **more}


MOVED = container("new", moved_from="old")
TAGGED = image("app:1", tags=["app:latest"])

# What is there before, and the tasks.
CASES: Dict[str, Tuple[List[Task], List[Task]]] = {
    "a renamed container is gone from its old name": (
        [container("old")],
        [MOVED, container("old", state="absent")],
    ),
    "a renamed container has its new name": ([container("old")], [MOVED, container("new")]),
    "a renamed container is not renamed again": ([container("old")], [MOVED, MOVED]),
    "a renamed container is changed": (
        [container("old")],
        [MOVED, container("new", mem_limit="64m")],
    ),
    "a renamed container is removed": (
        [container("old")],
        [MOVED, gone("container", "new", adopt=True)],
    ),
    "a renamed container is renamed once more": (
        [container("old")],
        [MOVED, container("last", moved_from="new"), gone("container", "new")],
    ),
    "the old name of a renamed container is taken anew": (
        [container("old")],
        [MOVED, container("old", environment={"A": "1"})],
    ),
    "the old name is taken anew, and the new one is looked at again": (
        [container("old")],
        [MOVED, container("old", environment={"A": "1"}), container("new")],
    ),
    "what is renamed and removed at once": (
        [container("old")],
        [gone("container", "new", moved_from="old"), gone("container", "old")],
    ),
    "what is to be renamed was removed": ([container("old")], [gone("container", "old"), MOVED]),
    "a renamed container is still in its network": (
        [network("front"), container("old", networks=["front"])],
        [
            container("new", moved_from="old", networks=["front"]),
            gone("network", "front", force=True),
        ],
    ),
    "a container has left the network that goes": (
        [network("front"), network("back"), container("web", networks=["front"])],
        [container("web", networks=["back"]), gone("network", "front", force=True)],
    ),
    "a container is removed twice": (
        [container("web")],
        [gone("container", "web"), gone("container", "web")],
    ),
    "a container is made and removed": ([], [container("web"), gone("container", "web")]),
    "a container was pruned": (
        [container("web", state="stopped")],
        [{"of": "prune", "containers": True}, gone("container", "web")],
    ),
    "a network is removed twice": (
        [network("front")],
        [gone("network", "front"), gone("network", "front")],
    ),
    "a network is made and removed": ([], [network("front"), gone("network", "front")]),
    "a network is removed and made": (
        [network("front")],
        [gone("network", "front"), network("front")],
    ),
    "a volume is removed twice": (
        [volume("data")],
        [gone("volume", "data", destroy="data"), gone("volume", "data", destroy="data")],
    ),
    "a volume is made and removed": ([], [volume("data"), gone("volume", "data", destroy="data")]),
    "a replacement frees a volume": (
        [volume("data"), container("web", volumes=["data:/data"])],
        [container("web"), gone("volume", "data", destroy="data")],
    ),
    "an image is removed twice": ([], [gone("image", "side:1"), gone("image", "side:1")]),
    "an image is pulled and removed": ([], [image("other:1"), gone("image", "other:1")]),
    "an image is removed and pulled": ([], [gone("image", "other:2"), image("other:2")]),
    "a tag is given and taken": ([], [TAGGED, gone("image", "app:latest")]),
    "a tag is given, and the image's first name taken": ([], [TAGGED, gone("image", "app:1")]),
    "a tag moves, and the image that had it loses another": (
        [],
        [image("app:1", tags=["side:latest"]), gone("image", "side:1")],
    ),
    "a tag that moved is taken": (
        [],
        [image("app:1", tags=["side:1"]), gone("image", "side:1")],
    ),
    "an image loses its names one after the other": (
        [],
        [gone("image", "side:1"), gone("image", "side:latest")],
    ),
    "two tags are given to each other": (
        [image("app:1", tags=["app:2"])],
        [TAGGED, image("app:latest", tags=["side:1"]), gone("image", "side:1")],
    ),
    "a change is planned twice": (
        [container("web")],
        [container("web", mem_limit="64m"), container("web", mem_limit="64m")],
    ),
    "a container needs an image that was removed": (
        [],
        [gone("image", "other:2"), container("web", image="other:2")],
    ),
    "a renamed container still uses its image": (
        [container("old", image="other:2")],
        [container("new", image="other:2", moved_from="old"), gone("image", "other:2", force=True)],
    ),
}


def world(fake: FakeEngine) -> None:
    """Have images and a registry that all cases can use."""
    fake.add_image("app:1", cmd=["serve"])
    fake.add_image("side:1", cmd=["side"])
    fake.add_image("other:2", cmd=["other"])
    fake.registry.update({"other:1": {"cmd": ["other"]}, "other:2": {"cmd": ["other"]}})


def run(fake: FakeEngine, task: Task, **more: Any) -> Dict[str, Any]:
    params = {key: value for key, value in task.items() if key != "of"}
    return do(RESOURCES[task["of"]], fake.socket_path, **params, **more)


def steps(result: Dict[str, Any], known: bool) -> List[Tuple[bool, Any]]:
    """Return (maybe, step) without numbers; with causes and ids only if they could be known."""
    found = []
    for step in result["plan"]["steps"]:
        args = {key: entry for key, entry in step["args"].items() if known or key not in _IDS}
        cause = step["cause"] if known else ""
        found.append((step["maybe"], (step["address"], step["verb"], step["impact"], cause, args)))
    return found


@pytest.mark.parametrize("name", CASES)
def test_a_check_announces_what_applying_does(fake: FakeEngine, name: str) -> None:
    world(fake)
    before, tasks = CASES[name]
    for task in before:
        made = run(fake, task)
        assert not made.get("failed"), made["msg"]
    planned: Dict[str, Any] = {}
    checks = []
    for task in tasks:
        checks.append((task, run(fake, task, check=True, pending=dict(planned))))
        planned.update(checks[-1][1].get("_pending") or {})
    for task, check in checks:
        apply = run(fake, task)
        assert not check.get("failed"), check["msg"]
        assert not apply.get("failed"), apply["msg"]
        known = not any("maybe" in line for line in check["plan"]["text"].splitlines())
        announced, done = steps(check, known), steps(apply, known)
        makes = [step for _maybe, step in done]
        assert [step for step in makes if step not in [entry for _maybe, entry in announced]] == []
        assert [step for maybe, step in announced if not maybe and step not in makes] == []


REFUSED: Dict[str, Tuple[List[Task], List[Task]]] = {
    "a network that is removed": (
        [network("front")],
        [gone("network", "front"), container("web", networks=["front"])],
    ),
    "a network that is removed and external": (
        [network("front")],
        [gone("network", "front"), network("front", external=True)],
    ),
    "a volume that is removed and external": (
        [volume("data")],
        [gone("volume", "data", destroy="data"), volume("data", external=True)],
    ),
    "a container that is removed": (
        [container("side")],
        [gone("container", "side"), container("web", network_mode="container:side")],
    ),
    "a command in a container that is renamed": (
        [container("old")],
        [MOVED, {"of": "exec", "container": "old", "argv": ["true"]}],
    ),
    "a network that a renamed container uses": (
        [network("front"), container("old", networks=["front"])],
        [container("new", moved_from="old", networks=["front"]), gone("network", "front")],
    ),
    "a volume that a renamed container uses": (
        [volume("data"), container("old", volumes=["data:/data"])],
        [
            container("new", moved_from="old", volumes=["data:/data"]),
            gone("volume", "data", destroy="data"),
        ],
    ),
    "an image that a renamed container uses": (
        [container("old", image="other:2")],
        [container("new", image="other:2", moved_from="old"), gone("image", "other:2")],
    ),
    "a port that a renamed container holds": (
        [container("old", ports=["8080:80"])],
        [
            container("new", moved_from="old", ports=["8080:80"]),
            container("web", ports=["8080:80"]),
        ],
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_check_refuses_what_applying_does(fake: FakeEngine, name: str) -> None:
    world(fake)
    before, (first, second) = REFUSED[name]
    for task in before:
        assert not run(fake, task).get("failed")
    planned = run(fake, first, check=True)["_pending"]
    check = run(fake, second, check=True, pending=planned)
    assert not run(fake, first).get("failed")
    assert run(fake, second)["msg"] == check["msg"]
    assert check["failed"]
