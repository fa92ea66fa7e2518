"""What an image task tells its user beyond the plan, and what it sends to the engine."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, Iterator, List, Mapping, Optional

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.errors import (
    EngineError,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.options import (
    engine_options,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.frontend import module
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.building.build import (
    _last_words,
    _masked,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.building.context import (
    read_context,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.resource import IMAGE

from tests.lab.core import run_validated, validated
from tests.lab.fake_engine import Build, BuildFailed, FakeEngine

SECRET = "s3cret-value-of-an-arg"


@pytest.fixture
def fake() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        yield engine


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "ctx"
    root.mkdir()
    (root / "Dockerfile").write_text("FROM scratch\nARG VERSION\nCOPY . /\n")
    return root


def apply(
    fake: FakeEngine,
    params: Mapping[str, Any],
    check: bool = False,
    client: Optional[Client] = None,
) -> Dict[str, Any]:
    client = client or Client(unix_dial(fake.socket_path), 5)
    with client:
        return run_validated(IMAGE, params, lambda: client, check)


class Module:
    """What the front end on a host makes of a task, where Ansible would run it."""

    check_mode = True

    def __init__(self, params: Dict[str, Any]) -> None:
        self.params = params
        self.result: Dict[str, Any] = {}

    def __call__(self, **_more: Any) -> Module:
        return self

    def warn(self, text: str) -> None:
        raise AssertionError(text)

    def exit_json(self, **result: Any) -> None:
        self.result = result

    fail_json = exit_json


@pytest.mark.parametrize(
    ("args", "shown"),
    [
        ({"TOKEN": SECRET, "PORT": 1}, {"TOKEN": "********", "PORT": "********"}),
        ([f"TOKEN={SECRET}"], ["TOKEN=********"]),
        ([SECRET, {"TOKEN": SECRET}], ["********", "********"]),
        (SECRET, "********"),
        (None, None),
    ],
)
def test_arguments_of_a_build_are_masked_where_the_module_runs_on_the_host(
    fake: FakeEngine, folder: Path, monkeypatch: pytest.MonkeyPatch, args: Any, shown: Any
) -> None:
    given = {
        "name": "app:1",
        "engine_host": f"unix://{fake.socket_path}",
        "build": {"context": str(folder), "args": args, "target": "base"},
    }
    stub = Module(validated({**engine_options(), **IMAGE.spec()}, given))
    monkeypatch.setattr(module, "AnsibleModule", stub)
    module.main(IMAGE)
    told = stub.result["invocation"]["module_args"]["build"]
    assert (told["args"], told["target"]) == (shown, "base")
    assert SECRET not in json.dumps(stub.result)


def test_the_image_is_described_without_our_label(fake: FakeEngine, folder: Path) -> None:
    build = {"context": str(folder), "labels": {"team": "shop"}}
    result = apply(fake, {"name": "app:1", "build": build})
    image = result["image"]
    assert result["changed"] is True
    assert result["created"] is True
    assert (image["tags"], image["labels"], image["os"]) == (["app:1"], {"team": "shop"}, "linux")
    assert image["size"] > 0
    assert apply(fake, {"name": "app:1", "state": "absent"})["image"] is None


def test_what_the_builder_is_asked_for(fake: FakeEngine, folder: Path) -> None:
    (folder / "app.conf").write_text("x")
    build = {
        "context": str(folder),
        "args": {"VERSION": SECRET, "DEBUG": True},
        "target": "",
        "network": "none",
        "no_cache": True,
    }
    apply(fake, {"name": "app:1", "build": build})
    asked = fake.builds[0]
    assert asked.args == {"VERSION": SECRET, "DEBUG": "true"}
    assert set(asked.files) == {"Dockerfile", "app.conf"}
    wanted = {"version": "1", "rm": "1", "forcerm": "1", "nocache": "1", "networkmode": "none"}
    assert wanted.items() <= asked.query.items()
    assert "target" not in asked.query


def test_argument_values_are_in_no_result_and_no_label(fake: FakeEngine, folder: Path) -> None:
    def fail(build: Build) -> None:
        raise BuildFailed(f"The command 'test {SECRET}' returned a non-zero code: 1")

    build = {"context": str(folder), "args": {"VERSION": SECRET}}
    first = apply(fake, {"name": "app:1", "build": build})
    assert SECRET not in json.dumps(first)
    assert SECRET not in fake.builds[0].labels["dockyard.fleet.image"]
    (folder / "Dockerfile").write_text(f"FROM scratch\nRUN test {SECRET}\n")
    fake.on_build = fail
    second = apply(fake, {"name": "app:1", "build": build})
    assert second["failed"] is True
    assert SECRET not in json.dumps(second)
    assert second["log"][-1] == "Step 2/2 : RUN test ********"


def test_a_failed_build_brings_its_last_lines_and_leaves_the_image(
    fake: FakeEngine, folder: Path
) -> None:
    apply(fake, {"name": "app:1", "build": {"context": str(folder)}})
    before = fake.image("app:1")
    lines = "".join(f"RUN step {n}\n" for n in range(40))
    (folder / "Dockerfile").write_text(f"FROM scratch\n{lines}RUN false\n")
    result = apply(fake, {"name": "app:1", "build": {"context": str(folder)}})
    assert result["msg"].startswith("image/app:1: the build failed: The command '/bin/sh -c false'")
    assert len(result["log"]) == 20
    assert result["log"][-1] == "Step 42/42 : RUN false"
    assert result["failed_step"] == "build app:1"
    assert fake.image("app:1") is before


CLASSIC = [
    "Step 2/2 : RUN make",
    " ---> Running in 0123456789ab",
    "cc -c a.c",
    "a.c:1: error: no such thing",
    "Removing intermediate container 0123456789ab",
]
BUILDKIT = [
    "#6 [2/2] RUN make",
    "#6 0.204 cc -c a.c",
    "#6 0.310 a.c:1: error: no such thing",
    '#6 ERROR: process "make" did not complete successfully: exit code: 3',
    "------",
    "ERROR: failed to solve: process",
]


@pytest.mark.parametrize(
    ("lines", "message", "words"),
    [
        (CLASSIC, "returned a non-zero code: 3", "a.c:1: error: no such thing"),
        (BUILDKIT, "failed to solve", "a.c:1: error: no such thing"),
        (CLASSIC[:2], "returned a non-zero code: 3", ""),
        (BUILDKIT[:1], "failed to solve", ""),
        (["oops"], "it said oops", ""),
        (["x" * 999], "failed", "x" * 200),
    ],
)
def test_the_last_words_of_a_failed_step_are_told(
    lines: List[str], message: str, words: str
) -> None:
    assert _last_words(lines, message) == words


def test_the_colours_of_a_builder_are_no_words() -> None:
    """The classic builder writes stderr in red, and ends the red before its own next line."""
    build: Any = SimpleNamespace(private=())
    tail = ["Step 2/2 : RUN make", "\x1b[91moops", "\x1b[0mRemoving intermediate container 0123"]
    lines = _masked(tail, build)
    assert lines == ["Step 2/2 : RUN make", "oops", "Removing intermediate container 0123"]
    assert _last_words(lines, "returned a non-zero code: 3") == "oops"


def test_a_dockerfile_that_is_none_fails_in_the_engines_words(
    fake: FakeEngine, folder: Path
) -> None:
    (folder / "Dockerfile").write_text("FROM scratch\nNONSENSE x\n")
    result = apply(fake, {"name": "app:1", "build": {"context": str(folder)}})
    assert "the build failed: dockerfile parse error line 2" in result["msg"]


def test_a_full_disk_is_called_one(fake: FakeEngine, folder: Path) -> None:
    fake.faults.at(1, "nospace")
    result = apply(fake, {"name": "app:1", "build": {"context": str(folder)}})
    assert "no space left where the engine keeps its data" in result["msg"]


def test_a_lost_answer_of_a_finished_build_is_looked_up(fake: FakeEngine, folder: Path) -> None:
    fake.faults.at(1, "drop-after")
    result = apply(fake, {"name": "app:1", "build": {"context": str(folder)}})
    assert not result.get("failed"), result["msg"]
    assert len(fake.builds) == 1


def test_a_lost_build_is_an_error_and_is_not_sent_again(fake: FakeEngine, folder: Path) -> None:
    fake.faults.at(1, "drop")
    result = apply(fake, {"name": "app:1", "build": {"context": str(folder)}})
    assert "the connection to the engine broke during POST /build" in result["msg"]
    assert fake.builds == []


class SilentRegistry(Client):
    """A client of an engine that cannot ask registries (Podman), but pulls."""

    def get(self, path: str, query: Any = None) -> Any:
        if path.startswith("/distribution"):
            raise EngineError("not found", status=404)
        return super().get(path, query)


def test_a_pull_that_brings_nothing_is_no_change(fake: FakeEngine, folder: Path) -> None:
    fake.registry["base:1"] = {}
    (folder / "Dockerfile").write_text("FROM base:1\n")
    build = {"context": str(folder), "pull": True}
    apply(fake, {"name": "app:1", "build": build})
    again = apply(
        fake, {"name": "app:1", "build": build}, client=SilentRegistry(unix_dial(fake.socket_path))
    )
    assert again["changed"] is False
    pull = {"name": "base:1", "pull_policy": "always"}
    client = SilentRegistry(unix_dial(fake.socket_path))
    assert apply(fake, pull, client=client)["changed"] is False


def test_a_pull_that_brings_a_new_base_leads_to_a_build(fake: FakeEngine, folder: Path) -> None:
    fake.registry["base:1"] = {}
    (folder / "Dockerfile").write_text("FROM base:1\n")
    params = {"name": "app:1", "build": {"context": str(folder), "pull": True}}
    apply(fake, params)
    fake.registry["base:1"] = {"seed": "newer"}
    check = apply(fake, params, True, SilentRegistry(unix_dial(fake.socket_path)))
    done = apply(fake, params, client=SilentRegistry(unix_dial(fake.socket_path)))
    assert [(step["verb"], step["cause"]) for step in done["plan"]["steps"]] == [
        (step["verb"], step["cause"]) for step in check["plan"]["steps"]
    ]
    assert len(fake.builds) == 2


def test_check_mode_tells_later_tasks_what_will_change(fake: FakeEngine, folder: Path) -> None:
    params = {"name": "app", "build": {"context": str(folder)}}
    result = apply(fake, params, check=True)
    assert result["_pending"] == {
        "image/app:latest": {"kind": "create", "causes": ["not on the engine"], "keeps": []}
    }
    assert fake.writes == []


def test_on_a_target_without_the_context_nothing_is_written(
    fake: FakeEngine, folder: Path, tmp_path: Path
) -> None:
    fake.registry["base:1"] = {}
    (folder / "Dockerfile").write_text("FROM base:1\n")
    context = read_context(str(folder))
    given = {name: getattr(context, name) for name in ("digest", "files", "dockerfile")}
    params = {"name": "app:1", "build": {"context": "/elsewhere"}}
    asks = apply(fake, {**params, "_context": {**given, "archive": None}})
    assert asks["needs_context"] is True
    assert fake.writes == []
    archive = tmp_path / "context.tar"
    archive.write_bytes(b"".join(context.tar()))
    sent = {**params, "_context": {**given, "archive": str(archive)}}
    assert apply(fake, sent)["changed"] is True
    assert fake.builds[0].files == {"Dockerfile": b"FROM base:1\n"}
    # On the controller the same context is the same image.
    assert apply(fake, {**params, "_context": context})["changed"] is False
    assert apply(fake, {**params, "_context": {**given, "archive": None}})["changed"] is False


def test_an_image_made_from_ours_is_not_ours(fake: FakeEngine, folder: Path) -> None:
    params = {"name": "app:1", "build": {"context": str(folder)}}
    apply(fake, params)
    ours = fake.image("app:1")
    assert ours is not None
    # As docker commit does: the label stays, the parent is the image before.
    fake.add_image("app:1", labels=ours["Config"]["Labels"], seed="committed")
    committed = fake.image("app:1")
    assert committed is not None
    committed["Parent"] = ours["Id"]
    result = apply(fake, params, check=True)
    assert [step["cause"] for step in result["plan"]["steps"]] == ["not built by dockyard.fleet"]


def test_a_registry_with_a_port_and_a_path(fake: FakeEngine) -> None:
    name = "127.0.0.1:5000/team/app:1.2"
    fake.registry[name] = {}
    assert apply(fake, {"name": name})["image"]["tags"] == [name]
    assert apply(fake, {"name": name})["changed"] is False
    assert apply(fake, {"name": name, "state": "absent"})["image"] is None


@pytest.mark.parametrize(
    ("build", "message"),
    [
        ({"context": "~/app"}, "build.context: '~/app': a ~ is not expanded"),
        ({"context": "/nowhere/at/all"}, "build.context: there is nothing at /nowhere/at/all"),
        ({"context": "{}", "dockerfile": "other"}, "build.dockerfile: no Dockerfile at {}/other"),
        ({}, "build.context: is missing"),
    ],
)
def test_a_context_that_cannot_be_one(
    fake: FakeEngine, folder: Path, build: Dict[str, str], message: str
) -> None:
    given = {key: value.format(folder) for key, value in build.items()}
    result = apply(fake, {"name": "app:1", "build": given})
    assert result["msg"].startswith(message.format(folder))
    assert fake.calls == []


def test_a_removal_does_not_look_at_the_context(fake: FakeEngine) -> None:
    params = {"name": "app:1", "state": "absent", "build": {"context": "/nowhere"}}
    assert apply(fake, params)["changed"] is False
