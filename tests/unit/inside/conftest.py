"""A fake engine with one running container `web`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)

from tests.lab.fake_engine import FakeEngine


@pytest.fixture
def fake() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        engine.add_image("app:1")
        with Client(unix_dial(engine.socket_path), 5) as client:
            client.post("/containers/create", {"name": "web"}, {"Image": "app:1"})
            client.post("/containers/web/start")
        engine.forget()
        yield engine
