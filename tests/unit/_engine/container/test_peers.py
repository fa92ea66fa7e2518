"""Containers that a task refers to: engines answer to any first letters of an id as well."""

from __future__ import annotations

from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container.resource import (
    CONTAINER,
)

from tests.lab.fake_engine import FakeEngine
from tests.lab.tasks import do


def test_a_few_letters_of_an_id_are_no_container(fake: FakeEngine) -> None:
    """They may be of the container's own, or another one's next time."""
    task = {"image": "app:1", "monitor": "1ms"}
    lender = do(CONTAINER, fake.socket_path, name="lender", **task)["container"]["Id"]
    for name in (lender, "lender", "/lender"):
        web = {**task, "name": "web", "volumes_from": [name]}
        assert not do(CONTAINER, fake.socket_path, **web).get("failed")
        assert do(CONTAINER, fake.socket_path, **web)["changed"] is False
    for few in (lender[:2], lender[:12], lender[:63]):
        for option, value in (
            *(("volumes_from", [few]), ("links", [few])),
            *((mode, f"container:{few}") for mode in ("network_mode", "ipc", "pid")),
        ):
            told = do(CONTAINER, fake.socket_path, **task, name="web", **{option: value})
            assert told["msg"].endswith(
                f"{option}: the container {few} does not exist; create it first"
            )
