"""Accounts and registries: who sees a password, and what becomes of a push or pull cut short."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any, Dict, Iterator

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.resource import IMAGE

from tests.lab.fake_engine import FakeEngine
from tests.lab.tasks import do

CORE = "ansible_collections.dockyard.fleet.plugins.module_utils"
CANARY = "canary-of-a-password"
NAME = "reg.example.com/app:1"
PUSH = {"name": "app:1", "tags": [NAME], "push": True}
ACCOUNT = {
    "registry": "reg.example.com",
    "registry_username": "dock",
    "registry_password": CANARY,
}


@pytest.fixture
def fake() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        engine.add_image("app:1")
        engine.registry[NAME] = {"missing": True}
        yield engine


def apply(fake: FakeEngine, params: Dict[str, Any], check: bool = False) -> Dict[str, Any]:
    return do(IMAGE, fake.socket_path, check=check, **params)


def test_complaint_containers_13_a_password_is_told_to_the_engine_alone(fake: FakeEngine) -> None:
    fake.registry[NAME]["login"] = f"dock:{CANARY}"
    results = [apply(fake, {**PUSH, **ACCOUNT}, check) for check in (True, False, True)]
    assert [one["changed"] for one in results] == [True, True, False]
    fake.registry[NAME]["login"] = "dock:another"
    refused = apply(fake, {"name": NAME, "pull_policy": "always", **ACCOUNT})
    assert "unauthorized: authentication required; log in where" in refused["msg"]
    seen = json.dumps([results, refused, [call._asdict() for call in fake.calls]], default=str)
    assert CANARY not in seen


def test_an_account_is_for_its_registry_alone(fake: FakeEngine) -> None:
    fake.registry["other.example.com/app:1"] = {"login": f"dock:{CANARY}"}
    result = apply(fake, {"name": "other.example.com/app:1", **ACCOUNT})
    assert "no basic auth credentials" in result["msg"]


def test_accounts_of_dockers_client_are_the_default(
    fake: FakeEngine, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.registry[NAME]["login"] = f"dock:{CANARY}"
    auths = {"reg.example.com": {"username": "dock", "password": CANARY}}
    (tmp_path / "config.json").write_text(json.dumps({"auths": auths}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert not apply(fake, PUSH).get("failed")
    assert apply(fake, PUSH)["changed"] is False


@pytest.mark.parametrize("kind", ["500", "500-after", "drop", "drop-after", "nospace"])
@pytest.mark.parametrize("number", [1, 2])
def test_a_push_cut_short_is_one_error_and_the_next_run_converges(
    fake: FakeEngine, kind: str, number: int
) -> None:
    fake.faults.at(number, kind)
    result = apply(fake, PUSH)
    assert fake.faults.hits
    assert result["failed"] is True
    assert result["msg"].startswith(f"image/{NAME}: ")
    assert "\n" not in result["msg"]
    fake.faults.reset()
    assert not apply(fake, PUSH).get("failed")
    assert fake.registry[NAME]["pushed"] is fake.image("app:1")
    assert apply(fake, PUSH)["changed"] is False


@pytest.mark.parametrize("kind", ["500", "500-after", "drop", "drop-after", "nospace"])
def test_a_pull_cut_short_is_one_error_and_the_next_run_converges(
    fake: FakeEngine, kind: str
) -> None:
    fake.registry["base:1"] = {}
    fake.faults.at(1, kind)
    result = apply(fake, {"name": "base:1"})
    assert result["failed"] is True
    assert result["msg"].startswith("image/base:1: base:1 cannot be pulled: ")
    fake.faults.reset()
    assert not apply(fake, {"name": "base:1"}).get("failed")
    assert apply(fake, {"name": "base:1"})["changed"] is False


@pytest.mark.parametrize(
    ("part", "params"),
    [
        ("_engine.image.push", PUSH),
        ("_engine.image.pull", {"name": "base:1"}),
        (
            "_engine.image.building.build",
            {"name": "made:1", "build": {"dockerfile_inline": "FROM scratch"}},
        ),
        ("_engine.image.load", {"name": "root:1", "import": {}}),
    ],
)
def test_an_engine_that_falls_silent_is_left_after_a_while(
    fake: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str, params: Any
) -> None:
    fake.registry["base:1"] = {}
    if "build" in params:
        params = {**params, "build": {**params["build"], "context": str(tmp_path)}}
    if "import" in params:
        with tarfile.open(tmp_path / "root.tar", "w"):
            pass
        params = {**params, "import": {"path": str(tmp_path / "root.tar")}}
    fake.faults.at(2 if part == "_engine.image.push" else 1, "stall")
    with monkeypatch.context() as impatient:
        impatient.setattr(f"{CORE}.{part}._SILENCE", 0.2)
        result = apply(fake, params)
    assert fake.faults.hits
    assert "within 0.2 s" in result["msg"]
    fake.faults.reset()
    assert not apply(fake, params).get("failed")
    assert apply(fake, params)["changed"] is False


def test_a_registry_that_refuses_in_the_middle_is_quoted(fake: FakeEngine) -> None:
    fake.registry[NAME] = {"missing": True, "error": "received unexpected HTTP status: 507"}
    result = apply(fake, PUSH)
    assert "cannot be pushed: received unexpected HTTP status: 507" in result["msg"]


def test_complaint_containers_15_tag_and_digest_together_are_one_image(fake: FakeEngine) -> None:
    fake.registry["base:1"] = {}
    digest = apply(fake, {"name": "base:1"})["image"]["digests"][0].partition("@")[2]
    both = {"name": f"base:1@{digest}", "pull_policy": "always"}
    asked = len(fake.calls)
    assert apply(fake, both)["changed"] is False
    assert [call.path for call in fake.calls[asked:] if "distribution" in call.path] == []
