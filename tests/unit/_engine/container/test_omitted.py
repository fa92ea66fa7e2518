"""An engine that leaves out of its answers what is empty, as Engine 29 begins to do."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container.resource import (
    CONTAINER,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.info.readers import CONTAINERS
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.network.resource import NETWORK

from tests.lab.fake_engine import FakeEngine
from tests.lab.serving import Request, Response
from tests.lab.tasks import do


class Terse(FakeEngine):
    """The fake engine, without the empty values of its answers."""

    def answer(self, request: Request) -> Response:
        response = super().answer(request)
        if response.headers["Content-Type"] == "application/json" and response.body:
            value = json.loads(response.body)
            response.body = json.dumps(_filled(value)).encode()
        return response


def _filled(value: Any) -> Any:
    if isinstance(value, list):
        return [_filled(one) for one in value]
    if isinstance(value, dict):
        kept = {key: _filled(one) for key, one in value.items()}
        return {key: one for key, one in kept.items() if one not in (None, "", [], {})}
    return value


def test_complaint_containers_05_keys_that_are_omitted_are_empty() -> None:
    with Terse(api="1.51") as fake:
        fake.add_image("app:1", cmd=["serve"])
        task = {"name": "web", "image": "app:1", "monitor": "1ms"}
        full = {**task, "environment": {"A": "b"}, "networks": ["front"], "labels": {"a": "b"}}
        wanted = [
            (NETWORK, {"name": "front"}),
            (CONTAINER, task),
            (CONTAINER, full),
            (CONTAINER, task),
            (CONTAINER, {"name": "web", "state": "absent"}),
            (NETWORK, {"name": "front", "state": "absent"}),
        ]
        for what, params in wanted:
            first, again = (do(what, fake.socket_path, **params) for _turn in "12")
            assert not first.get("failed"), first["msg"]
            assert (first["changed"], again["changed"]) == (True, False), params
        assert do(CONTAINERS, fake.socket_path, names=["web"])["containers"][0]["exists"] is False
