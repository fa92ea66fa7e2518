"""Hooks of services: what runs in which container, and what a user is told of one that fails."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.stack.container import (
    _VERBS as VERBS,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.stack.hooks import (
    Hook,
    changes_of,
    of_container,
    recorded,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.stack.resource import STACK
from ansible_collections.dockyard.fleet.plugins.plugin_utils.action.project import with_project

from tests.lab.core import run_task, run_validated, validated
from tests.lab.fake_engine import FakeEngine
from tests.lab.fake_output import Outcome, Program

Json = dict[str, Any]
NAME = "shop-web-1"
SECRET = "hush-hush"


class Engine(FakeEngine):
    """A fake engine that tells what has been done since it was last asked."""

    told = 0

    def commands(self) -> list[tuple[str, ...]]:
        """Return what was run in containers, and their starts and stops, in order."""
        seen: list[tuple[str, ...]] = []
        for request in self.writes[self.told :]:
            words = request.path.strip("/").split("/")
            if words[-1] == "exec":
                seen.append(("exec", *request.body["Cmd"]))
            elif words[-1] in ("start", "stop", "restart") and "containers" in words:
                seen.append((words[-1],))
        self.told = len(self.writes)
        return seen


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine() as fake:
        fake.add_image("app:1")
        yield fake


def run(engine: Engine, check: bool = False, **keys: Any) -> Json:
    """Run a stack of one service; keys in capitals are options of the task."""
    options = {key.lower(): value for key, value in keys.items() if key.isupper()}
    service = {"image": "app:1", **{key: v for key, v in keys.items() if not key.isupper()}}
    project = {"name": "shop", "services": {"web": service}}
    task = {"project": project, "monitor": "20ms", **options}
    return run_task(STACK, task, lambda: Client(unix_dial(engine.socket_path), 10), check)


def box(engine: Engine) -> Json:
    """Return the container that has the name."""
    return next(one for one in engine.containers.values() if one["Name"] == f"/{NAME}")


def test_hooks_run_in_their_order_and_as_they_are_declared(engine: Engine) -> None:
    hook = {
        "command": ["env"],
        "user": "root",
        "privileged": True,
        "working_dir": "/srv",
        "environment": {"TOKEN": SECRET},
    }
    result = run(engine, post_start=[{"command": ["true"]}, hook])
    assert not result.get("failed"), result["msg"]
    body = next(one.body for one in engine.writes if one.body and one.body.get("Cmd") == ["env"])
    wanted = {"User": "root", "Privileged": True, "WorkingDir": "/srv"}
    assert {key: body[key] for key in wanted} == wanted
    assert body["Env"] == [f"TOKEN={SECRET}"]
    assert engine.commands() == [("start",), ("exec", "true"), ("exec", "env")]


def test_a_container_stops_by_the_hooks_that_it_was_made_with(engine: Engine) -> None:
    run(engine, pre_stop=[{"command": ["echo", "old"]}])
    engine.commands()
    result = run(engine, pre_stop=[{"command": ["echo", "new"]}])
    assert "pre_stop: changed" in result["plan"]["text"]
    assert engine.commands() == [("exec", "echo", "old"), ("stop",), ("start",)]
    run(engine, pre_stop=[{"command": ["echo", "new"]}], STATE="stopped")
    assert engine.commands() == [("exec", "echo", "new"), ("stop",)]


def test_values_of_variables_are_the_declared_ones(engine: Engine) -> None:
    values: list[Json] = []

    def note(program: Program) -> Outcome:
        values.append(program.env)
        return 0, b"", b""

    engine.state.programs["note"] = note
    hook = {"command": ["note"], "environment": {"TOKEN": SECRET}}
    run(engine, pre_stop=[hook])
    assert SECRET not in json.dumps(box(engine)["Config"]["Labels"])
    run(engine, pre_stop=[{**hook, "environment": {"TOKEN": "another"}}])
    assert [one["TOKEN"] for one in values] == ["another"]


def test_a_word_with_a_secret_is_not_kept(engine: Engine) -> None:
    hook = {"command": ["echo", f"token={SECRET}", "plain"], "environment": {"TOKEN": SECRET}}
    other = {"command": ["echo", "token=another", "plain"], "environment": {"TOKEN": "another"}}
    run(engine, pre_stop=[hook])
    assert SECRET not in json.dumps(box(engine)["Config"]["Labels"])
    assert run(engine, pre_stop=[hook])["plan"]["steps"] == []
    engine.commands()
    assert "pre_stop: changed" in run(engine, pre_stop=[other])["plan"]["text"]
    gone = run(engine, pre_stop=[{"command": ["true"]}], STATE="absent")
    assert "pre_stop[0] is not run" in " ".join(gone["plan"]["notes"])


def test_one_that_fails_before_a_stop_keeps_nothing_from_it(engine: Engine) -> None:
    hooks = [
        {"command": ["complain", SECRET], "environment": {"TOKEN": SECRET}},
        {"command": ["true"]},
    ]
    run(engine, pre_stop=hooks)
    engine.commands()
    result = run(engine, pre_stop=hooks, environment={"LOG": "debug"})
    assert not result.get("failed"), result["msg"]
    assert engine.commands() == [("exec", "complain", SECRET), ("stop",), ("start",)]
    said = f"{NAME} is stopped all the same: container/{NAME}: pre_stop[0] exited with code 3"
    assert [note for note in result["plan"]["notes"] if note.startswith(said)]
    assert SECRET not in json.dumps(result)


def test_one_that_never_ends_is_given_up(engine: Engine) -> None:
    over = threading.Event()

    def hang(_program: Program) -> Outcome:
        over.wait(20)
        return 0, b"", b""

    engine.state.programs["hang"] = hang
    try:
        result = run(engine, pre_stop=[{"command": ["hang"]}])
        assert not result.get("failed"), result["msg"]
        result = run(
            engine, pre_stop=[{"command": ["hang"]}], STATE="stopped", WAIT_TIMEOUT="100ms"
        )
    finally:
        over.set()
    assert box(engine)["State"]["Running"] is False
    assert "did not end within 100ms" in " ".join(result["plan"]["notes"])


def test_the_old_container_comes_back_with_its_own_hooks(engine: Engine) -> None:
    run(engine, post_start=[{"command": ["echo", "old"]}])
    before = box(engine)["Id"]
    engine.commands()
    result = run(engine, post_start=[{"command": ["complain", "why"]}])
    assert result["failed"] is True
    told = f"container/{NAME}: post_start[0] exited with code 3; its last words: why"
    assert result["msg"] == told
    assert (box(engine)["Id"], box(engine)["State"]["Running"]) == (before, True)
    assert engine.commands() == [
        ("stop",),
        ("start",),
        ("exec", "complain", "why"),
        ("stop",),
        ("start",),
        ("exec", "echo", "old"),
    ]


def test_an_interrupted_replacement_is_finished_with_its_hooks(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_work: object, _step: object) -> None:
        raise KeyboardInterrupt

    run(engine)
    with monkeypatch.context() as patch:
        patch.setitem(VERBS, "post_start", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run(engine, post_start=[{"command": ["true"]}])
    engine.commands()
    result = run(engine, post_start=[{"command": ["true"]}])
    verbs = [step["verb"] for step in result["plan"]["steps"]]
    assert verbs == ["post_start", "wait", "remove"], result["plan"]["text"]
    assert engine.commands() == [("exec", "true")]


def test_a_container_that_ends_meanwhile_says_why(engine: Engine) -> None:
    def end(_program: Program) -> Outcome:
        with Client(unix_dial(engine.socket_path), 10) as client:
            client.post(f"/containers/{NAME}/kill")
        return 137, b"", b""

    engine.state.programs["end"] = end
    result = run(engine, post_start=[{"command": ["end"]}])
    assert result["failed"] is True
    assert "the container exited with code 137" in result["msg"]
    assert "before post_start[0] was done" in result["msg"]
    assert engine.containers == {}


def test_what_a_hook_says_is_bounded(engine: Engine) -> None:
    result = run(engine, post_start=[{"command": ["complain", "x" * 100_000]}])
    assert result["failed"] is True
    assert len(json.dumps(result)) < 10_000


def test_one_that_compose_started_is_not_run_again(engine: Engine) -> None:
    """What Compose has made has no record: its hooks have run, and nothing tells which."""
    labels = {
        "com.docker.compose.project": "shop",
        "com.docker.compose.service": "web",
        "com.docker.compose.container-number": "1",
    }
    with Client(unix_dial(engine.socket_path), 10) as client:
        network = {"Name": "shop_default", "Labels": {"com.docker.compose.project": "shop"}}
        client.post("/networks/create", None, network)
        body = {
            "Image": "app:1",
            "Labels": labels,
            "HostConfig": {"NetworkMode": "shop_default"},
            "NetworkingConfig": {"EndpointsConfig": {"shop_default": {"Aliases": [NAME, "web"]}}},
        }
        client.post("/containers/create", {"name": NAME}, body)
        client.post(f"/containers/{NAME}/start")
    engine.commands()
    assert run(engine, post_start=[{"command": ["true"]}])["plan"]["steps"] == []
    assert engine.commands() == []


def test_hooks_reach_the_core_where_ansible_prints_nothing(engine: Engine, tmp_path: Path) -> None:
    hook = {"command": ["env"], "environment": {"TOKEN": SECRET}}
    web = {"image": "app:1", "post_start": [hook]}
    given = {"name": "shop", "definition": {"services": {"web": web}}, "monitor": "20ms"}
    loader = SimpleNamespace(get_basedir=lambda: str(tmp_path), get_real_file=lambda path: path)
    options = with_project(validated(STACK.spec(), given), loader)
    assert SECRET not in json.dumps(options["project"])
    result = run_validated(STACK, options, lambda: Client(unix_dial(engine.socket_path), 10))
    assert not result.get("failed"), result["msg"]
    assert engine.commands() == [("start",), ("exec", "env")]


def test_a_record_has_no_values_and_tells_that_they_have_changed() -> None:
    hook = Hook(("sh",), ("sh",), names=("A",), environment={"A": SECRET})
    kept = recorded({"pre_stop": (hook,)})
    assert SECRET not in json.dumps(kept)
    assert changes_of({"pre_stop": (hook,)}, kept) == []
    other = Hook(("sh",), ("sh",), names=("A",), environment={"A": "another"})
    assert [one.words() for one in changes_of({"pre_stop": (other,)}, kept)] == [
        "pre_stop: changed"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"run": 1}',
        '{"run": [1]}',
        '{"run": [{"command": "sh"}]}',
        '{"run": [{"command": [], "user": "", "working_dir": "", "environment": []}]}',
        '{"run": [{"command": [1], "user": "", "working_dir": "", "environment": []}]}',
        "[" * 1000,
    ],
)
def test_a_record_of_another_shape_runs_nothing(text: str) -> None:
    record = {"hooks": {"pre_stop": text}}
    assert of_container(record, {}, "pre_stop") == ()


HOOKS: Json = {
    "post_start": [{"command": ["true"]}],
    "pre_stop": [{"command": ["env"]}],
}


def test_one_that_is_up_before_the_old_one_stops_has_begun_before_that_ends(
    engine: Engine,
) -> None:
    deploy = {"update_config": {"order": "start-first"}}
    run(engine, **HOOKS, deploy=deploy)
    engine.commands()
    result = run(engine, **HOOKS, deploy=deploy, environment={"A": "1"})
    assert not result.get("failed"), result["msg"]
    assert engine.commands() == [("start",), ("exec", "true"), ("exec", "env"), ("stop",)]


def test_an_update_that_goes_back_ends_what_has_begun(engine: Engine) -> None:
    engine.add_image("app:2", seed="2", behaviour="wears-out:1")
    update = {"failure_action": "rollback"}
    deploy = {"replicas": 2, "update_config": update}
    run(engine, **HOOKS, deploy=deploy)
    engine.commands()
    result = run(engine, **HOOKS, deploy=deploy, image="app:2")
    assert "all containers of web are as before" in result["msg"]
    # The second one ended by itself; the first one was up, and goes last.
    assert engine.commands()[-4:] == [("exec", "env"), ("stop",), ("start",), ("exec", "true")]
