"""Many containers on one engine, many tasks at once, many labels: nothing hangs or explodes."""

from __future__ import annotations

import socket
import sys
import threading
import tracemalloc
from typing import Any, Dict, Iterator, List, Tuple

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired import ownership
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container.resource import (
    CONTAINER,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.info.readers import CONTAINERS
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.network.resource import NETWORK

from tests.lab.fake_engine import FakeEngine
from tests.lab.tasks import do

MANY = 500
WEB = {"name": "web", "image": "app:1", "monitor": "1ms", "network_mode": "none"}


@pytest.fixture(scope="module")
def crowd() -> Iterator[FakeEngine]:
    """An engine with many containers, whose sockets hold no more than they must."""
    with FakeEngine(buffers=2048) as fake:
        fake.add_image("app:1")
        with Client(unix_dial(fake.socket_path), 5) as client:
            for number in range(MANY):
                made = {"Image": "app:1", "Labels": {"text": "x" * 3000}}
                client.post("/containers/create", {"name": f"box-{number}"}, made)
        yield fake


def test_many_answers_are_taken_while_more_is_asked(crowd: FakeEngine) -> None:
    def dial() -> socket.socket:
        sock = unix_dial(crowd.socket_path, 5)()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2048)
        return sock

    asked = [(f"/containers/{one}/json", None) for one in crowd.containers]
    with Client(dial, 5) as client:
        names = [one["Name"] for one in client.get_all(asked)]
    assert names == [one["Name"] for one in crowd.containers.values()]


def test_every_task_works_beside_many_containers(crowd: FakeEngine) -> None:
    path = crowd.socket_path
    seen = do(CONTAINERS, path)["containers"]
    assert len(seen) >= MANY
    assert do(CONTAINER, path, **WEB)["created"]
    other = {**WEB, "environment": {"A": "1"}}
    assert do(CONTAINER, path, check=True, **other)["replaced"]
    assert do(CONTAINER, path, **other)["replaced"]
    assert do(CONTAINER, path, **other)["changed"] is False
    assert do(CONTAINER, path, name="web", state="absent")["changed"]
    assert do(NETWORK, path, name="front")["changed"]
    assert do(NETWORK, path, name="front", state="absent")["changed"]


def test_twenty_forks_with_forty_hosts_each_on_one_engine(crowd: FakeEngine) -> None:
    failed: List[Dict[str, Any]] = []

    def fork(number: int) -> None:
        for host in range(40):
            name = f"box-{number * 20 + host % 20}"
            # The removal looks at all containers, as each that has steps does.
            state = "absent" if (number + host) % 320 == 0 else "present"
            task = {"name": name, "state": state, "adopt": True}
            made = do(CONTAINER, crowd.socket_path, check=True, **task)
            if len(made.get("plan", {}).get("steps", ())) != (state == "absent"):
                failed.append(made)

    forks = [threading.Thread(target=fork, args=(number,)) for number in range(20)]
    for one in forks:
        one.start()
    for one in forks:
        one.join()
    assert failed == []


def test_memory_is_that_of_the_answers(crowd: FakeEngine) -> None:
    with Client(unix_dial(crowd.socket_path), 5) as client:
        asked = [(f"/containers/{one}/json", None) for one in crowd.containers]
        size = sum(len(client.fetch(path).body) for path, _query in asked)
        tracemalloc.start()
        answers = client.get_all(asked)
        _now, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert len(answers) >= MANY
    assert peak < 8 * size, f"{peak} bytes for answers of {size}"


def work_of_a_check(labels: int, monkeypatch: pytest.MonkeyPatch) -> Tuple[int, int]:
    """Return how many functions a check calls whose plan has so many changes, and how many bytes
    it makes digests of."""
    called = digested = 0
    digest = ownership.digest

    def count(_frame: Any, event: str, _arg: Any) -> None:
        nonlocal called
        called += event in ("call", "c_call")

    def weigh(salt: str, name: str, text: str) -> str:
        nonlocal digested
        digested += len(text)
        return digest(salt, name, text)

    with FakeEngine() as fake:
        fake.add_image("app:1")
        made = {f"label-{number}": f"{number}; 'it''s" for number in range(labels)}
        assert do(CONTAINER, fake.socket_path, **WEB, state="present", labels=made)["changed"]
        other = {key: f"{value}; too" for key, value in made.items()}
        with monkeypatch.context() as patch:
            patch.setattr(ownership, "digest", weigh)
            sys.setprofile(count)
            try:
                told = do(CONTAINER, fake.socket_path, check=True, **WEB, labels=other)
            finally:
                sys.setprofile(None)
    lines = told["plan"]["text"].splitlines()
    assert sum(line.endswith("; too [replace]") for line in lines) == labels
    return called, digested


def test_ten_times_the_labels_are_ten_times_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = (work_of_a_check(labels, monkeypatch) for labels in (200, 2_000))
    assert many[0] < 11 * few[0]
    assert many[1] < 12 * few[1]


def test_a_container_with_two_thousand_labels_is_replaced() -> None:
    with FakeEngine() as fake:
        fake.add_image("app:1")
        for value in "ab":
            labels = {f"label-{number}": value for number in range(2_000)}
            made = do(CONTAINER, fake.socket_path, **WEB, state="present", labels=labels)
            assert made["changed"]
        assert made["replaced"]
