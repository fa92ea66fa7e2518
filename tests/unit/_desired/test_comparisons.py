"""How often a run compares what is there with what is declared: a gate."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired import diff as diffs

from tests.lab.casework import RESOURCES
from tests.lab.fake_engine import FakeEngine
from tests.lab.tasks import do

WEB: Dict[str, Any] = {"name": "web", "image": "app:1", "monitor": "1ms"}

# The resource, how it is, how it is declared then, and how often applying the change compares: once
# to plan it, once to verify it. A container is compared once more before it runs at all.
CHANGES: List[Tuple[str, Dict[str, Any], Dict[str, Any], int]] = [
    ("container", WEB, {**WEB, "mem_limit": "64m"}, 2),
    ("container", WEB, {**WEB, "environment": {"LOG": "info"}}, 3),
    ("network", {"name": "front"}, {"name": "front", "internal": True}, 2),
    ("volume", {"name": "data"}, {"name": "data", "driver_opts": {"a": "b"}, "destroy": "data"}, 2),
]


@pytest.fixture
def fake() -> Any:
    with FakeEngine() as engine:
        engine.add_image("app:1", cmd=["serve"])
        yield engine


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> List[str]:
    """Return the list to which each comparison adds a word, whoever asks for it."""
    found: List[str] = []

    def count(module: Any) -> None:
        whole = module.diff

        def diff(*args: Any, **more: Any) -> Any:
            found.append(module.__name__)
            return whole(*args, **more)

        monkeypatch.setattr(module, "diff", diff)

    from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container import compare
    from ansible_collections.dockyard.fleet.plugins.module_utils._engine.network import (
        resource as network,
    )
    from ansible_collections.dockyard.fleet.plugins.module_utils._engine.volume import (
        resource as volume,
    )

    for module in (compare, network, volume):
        assert module.diff is diffs.diff
        count(module)
    return found


@pytest.mark.parametrize(("kind", "before", "after", "times"), CHANGES)
def test_each_look_is_compared_once(
    kind: str,
    before: Dict[str, Any],
    after: Dict[str, Any],
    times: int,
    fake: FakeEngine,
    compared: List[str],
) -> None:
    def count(check: bool, params: Dict[str, Any]) -> Tuple[int, bool]:
        compared.clear()
        result = do(RESOURCES[kind], fake.socket_path, check=check, **params)
        assert not result.get("failed"), result["msg"]
        return len(compared), result["changed"]

    do(RESOURCES[kind], fake.socket_path, **before)
    assert count(False, before) == (1, False), "a no-op"
    assert count(True, after) == (1, True), "a check"
    assert count(False, after) == (times, True), "an apply"
    assert count(False, after) == (1, False), "a no-op after it"
