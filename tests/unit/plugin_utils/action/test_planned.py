"""What a check foresees is known to later checks of the run, until it is done."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict

import pytest
from ansible import constants as C
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.run import coming
from ansible_collections.dockyard.fleet.plugins.plugin_utils.action.base import noted
from ansible_collections.dockyard.fleet.plugins.plugin_utils.action.planned import Pending

CHECKED = {"image/app:1": "context changed", "container/web": "not there"}


@pytest.fixture
def pending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pending:
    monkeypatch.setattr(C, "DEFAULT_LOCAL_TMP", str(tmp_path))
    made = Pending("host", "")
    noted({"_pending": CHECKED}, made)
    return made


def result(address: str, **more: Any) -> Dict[str, Any]:
    return {"plan": {"steps": [{"address": address}]}, **more}


def test_what_is_done_for_real_is_to_come_no_more(pending: Pending) -> None:
    noted(result("image/app:1"), pending)
    assert pending.read() == {"container/web": "not there"}
    noted({"_pending": {"image/app:1": "args changed"}}, pending)
    assert pending.read()["image/app:1"] == "args changed"


@pytest.mark.parametrize(
    "other", [result("image/app:1", failed=True), result("image/app:2"), {"plan": {}}, {}]
)
def test_nothing_else_is_forgotten(pending: Pending, other: Dict[str, Any]) -> None:
    noted(other, pending)
    Pending("host", "unix:///other").drop(CHECKED)
    Pending("other", "").drop(CHECKED)
    assert pending.read() == CHECKED


def test_a_task_that_is_run_for_real_looks_itself(pending: Pending) -> None:
    assert coming(SimpleNamespace(check_mode=False), pending.read) == {}
    assert coming(SimpleNamespace(check_mode=True), pending.read) == CHECKED


def test_a_run_without_a_check_writes_nothing(tmp_path: Path, pending: Pending) -> None:
    noted(result("image/app:1"), Pending("quiet", ""))
    assert len(list(tmp_path.iterdir())) == 1


def test_a_rename_that_is_done_is_done_for_both_addresses(pending: Pending) -> None:
    moved = {"kind": "rename", "causes": [], "keeps": [], "same_as": "container/new"}
    made = {"kind": "create", "causes": [], "keeps": []}
    noted({"_pending": {"container/old": moved, "container/new": made}}, pending)
    noted(result("container/new"), pending)
    assert pending.read() == CHECKED
