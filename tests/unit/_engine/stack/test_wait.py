"""What a stack waits for."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.stack.resource import STACK

from tests.lab.core import run_task
from tests.lab.fake_engine import FakeEngine

CHECK = {"test": ["CMD", "true"], "interval": "1s"}


@pytest.mark.parametrize(
    ("wait", "services", "fault"),
    [
        ("healthy", {"web": {"image": "app:1", "healthcheck": CHECK}}, "is unhealthy"),
        ("healthy", {"web": {"image": "app:1"}}, ""),
        ("healthy", {"web": {"image": "app:1", "healthcheck": {"disable": True}}}, ""),
        ("started", {"web": {"image": "app:1", "healthcheck": CHECK}}, ""),
        ("none", {"web": {"image": "app:1", "healthcheck": CHECK}}, ""),
        ("healthy", {"web": {"image": "checked:1"}}, "is unhealthy"),
        ("healthy", {"web": {"image": "checked:1", "healthcheck": {"disable": True}}}, ""),
        ("started", {"web": {"image": "checked:1"}}, ""),
    ],
)
def test_a_service_is_healthy_where_that_is_awaited_and_can_be_seen(
    wait: str, services: dict[str, Any], fault: str
) -> None:
    with FakeEngine(api="1.45") as fake:
        fake.add_image("app:1", behaviour="unhealthy")
        fake.add_image("checked:1", behaviour="unhealthy", healthcheck={"Test": ["CMD", "true"]})
        task = {"project": {"name": "shop", "services": services}, "monitor": "1ms", "wait": wait}
        result = run_task(STACK, task, lambda: Client(unix_dial(fake.socket_path)))
    assert bool(result.get("failed")) == bool(fault), result
    assert fault in result.get("msg", "")
