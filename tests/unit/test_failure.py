"""What a task that fails returns: Ansible prints all of it, so it is short and in words."""

from __future__ import annotations

import json
from typing import Any, Dict

import pytest
from ansible.plugins.callback import CallbackBase
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container.resource import (
    CONTAINER,
)
from ansible_collections.dockyard.fleet.plugins.plugin_utils.action.base import with_nulls

from tests.lab.fake_engine import FakeEngine
from tests.lab.tasks import do

WEB: Dict[str, Any] = {"name": "web", "image": "app:1", "monitor": "10ms", "labels": {"a": "b"}}
ANOTHER = {**WEB, "environment": {f"KEY{number}": "1" for number in range(5)}}


def refused(fake: FakeEngine) -> Dict[str, Any]:
    return do(CONTAINER, fake.socket_path, **ANOTHER, allow=[])


def failed(fake: FakeEngine) -> Dict[str, Any]:
    fake.add_image("app:2", cmd=["serve"])
    fake.behave("app:2", "exit:3")
    return do(CONTAINER, fake.socket_path, **{**ANOTHER, "image": "app:2", "monitor": "5s"})


def not_applied(fake: FakeEngine) -> Dict[str, Any]:
    fake.state.ignores.append("update CpuShares")
    return do(CONTAINER, fake.socket_path, **WEB, cpu_shares=512)


@pytest.mark.parametrize("way", [refused, failed, not_applied])
def test_what_ansible_prints_of_a_failure_is_short(way: Any) -> None:
    with FakeEngine() as fake:
        fake.add_image("app:1", cmd=["serve"])
        do(CONTAINER, fake.socket_path, **WEB)
        result = way(fake)
    assert result["failed"] is True
    assert result["msg"].startswith("container/web: ")
    assert set(result["plan"]) == {"text"}
    assert result["plan"]["text"].startswith("container/web\n")
    assert "container" not in result
    printed = CallbackBase()._dump_results(result)
    assert len(printed) < 1500, printed
    assert result["plan"]["text"] in json.loads(printed)["plan"]["text"]


def test_a_refused_plan_says_which_options_are_null() -> None:
    with FakeEngine() as fake:
        fake.add_image("app:1", cmd=["serve"])
        do(CONTAINER, fake.socket_path, **ANOTHER)
        given = {**WEB, "environment": None}
        result = do(CONTAINER, fake.socket_path, **given, allow=[])
    noted = with_nulls(result, given, CONTAINER.spec())
    assert noted["plan"]["text"].endswith("note: environment is null, which counts as not given\n")
    assert set(noted["plan"]) == {"text"}
