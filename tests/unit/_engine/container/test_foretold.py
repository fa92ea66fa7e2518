"""What a check tells later tasks of the run: all of it, and what is gone then."""

from __future__ import annotations

from typing import Any, Dict

from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container.resource import (
    CONTAINER,
)

from tests.lab.fake_engine import FakeEngine
from tests.lab.tasks import do

TASK: Dict[str, Any] = {"image": "app:1", "monitor": "1ms"}


def test_a_renamed_container_is_gone_from_its_old_name(fake: FakeEngine) -> None:
    do(CONTAINER, fake.socket_path, name="old", **TASK)
    moved = do(CONTAINER, fake.socket_path, check=True, name="new", moved_from="old", **TASK)
    pending = moved["_pending"]
    gone = do(CONTAINER, fake.socket_path, check=True, pending=pending, name="old", state="absent")
    assert gone["changed"] is False
    again = do(CONTAINER, fake.socket_path, check=True, pending=pending, name="old", **TASK)
    assert again["created"]
    for params in (
        {"name": "new", "moved_from": "old", **TASK},
        {"name": "old", "state": "absent"},
    ):
        done = do(CONTAINER, fake.socket_path, **params)
    assert done["changed"] is False  # as the check has said


def test_every_cause_is_handed_on(fake: FakeEngine) -> None:
    do(CONTAINER, fake.socket_path, name="web", state="stopped", mem_limit="64m", **TASK)
    told = do(CONTAINER, fake.socket_path, check=True, name="web", mem_limit="128m", **TASK)
    planned = told["_pending"]["container/web"]
    assert planned["kind"] == "change"
    assert planned["causes"][0] == "mem_limit: 64MiB → 128MiB"
    assert planned["causes"][-1] == "state: created → started"


def test_a_cause_is_never_cut_at_a_semicolon(fake: FakeEngine) -> None:
    do(CONTAINER, fake.socket_path, name="web", labels={"a": "x", "b": "y"}, **TASK)
    other = {"a": "1; 2", "b": "it's; here"}
    told = do(CONTAINER, fake.socket_path, check=True, name="web", labels=other, **TASK)
    lines = told["plan"]["text"].splitlines()
    assert lines[1:3] == ["  labels.a: x → 1; 2 [replace]", "  labels.b: y → it's; here [replace]"]
    causes = {step["cause"] for step in told["plan"]["steps"]}
    assert causes == {"labels.a: x → 1; 2; labels.b: y → it's; here"}
