"""Every kind of fault, on the fake engine and on the proxy: what is done, what the client sees."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Iterator, List

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.errors import (
    ConnectionLost,
    EngineError,
)

from tests.lab.fake_engine import FakeEngine
from tests.lab.faults import KINDS
from tests.lab.proxy import Proxy
from tests.lab.serving import Server

ROOT = Path(__file__).resolve().parents[4]
WORKER = """
import sys
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)
client = Client(unix_dial(sys.argv[1]))
for name in ("one", "two", "three"):
    client.get("/volumes")
    client.post("/volumes/create", None, {"Name": name})
print("done")
"""


@pytest.fixture(params=["fake", "proxy"])
def server(request: pytest.FixtureRequest, fake: FakeEngine) -> Iterator[Server]:
    """Yield what has the faults: the fake engine itself, or a proxy before it."""
    if request.param == "fake":
        yield fake
        return
    with Proxy(fake.socket_path) as proxy:
        yield proxy


@pytest.mark.parametrize(
    ("kind", "error", "words", "done"),
    [
        ("500", EngineError, "the daemon was told to fail", False),
        ("500-after", EngineError, "the daemon lost the answer", True),
        ("nospace", EngineError, "no space left on device", False),
        ("drop", ConnectionLost, "broke during POST /volumes/create", False),
        ("drop-after", ConnectionLost, "broke during POST /volumes/create", True),
        ("stall", ConnectionLost, r"did not answer POST /volumes/create within 1 s", False),
    ],
)
def test_the_second_write_goes_wrong(
    fake: FakeEngine, server: Server, kind: str, error: type, words: str, done: bool
) -> None:
    client = Client(unix_dial(server.socket_path), timeout=1 if kind == "stall" else 20)
    server.faults.at(2, kind)
    client.post("/volumes/create", None, {"Name": "one"})
    client.get("/volumes")
    with pytest.raises(error, match=words) as caught:
        client.post("/volumes/create", None, {"Name": "two"})
    assert caught.value.__class__ is error
    assert client.get("/volumes/one")["Name"] == "one"
    assert ("two" in fake.volumes) is done
    assert server.faults.count == 2
    assert server.faults.hits == [f"2 {kind} POST /volumes/create"]
    assert [call.body for call in server.writes] == [{"Name": "one"}, {"Name": "two"}]


@pytest.mark.parametrize(
    ("kind", "made"),
    [("kill", ["one"]), ("kill-after", ["one", "two"]), ("", ["one", "two", "three"])],
)
def test_the_client_is_killed_at_the_second_write(
    fake: FakeEngine, server: Server, kind: str, made: List[str]
) -> None:
    if kind:
        server.faults.at(2, kind)
    done = subprocess.run(
        [sys.executable, "-c", WORKER, server.socket_path],
        env={"PYTHONPATH": str(ROOT / "collections")},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout) == ((-9, "") if kind else (0, "done\n")), done.stderr
    assert list(fake.volumes) == made


def test_a_released_request_is_answered(fake: FakeEngine, client: Client) -> None:
    import threading

    client.get("/volumes")
    fake.faults.at(1, "stall")
    answers: List[str] = []
    thread = threading.Thread(
        target=lambda: answers.append(client.post("/volumes/create", None, {"Name": "a"})["Name"])
    )
    thread.start()
    while not fake.faults.hits:
        thread.join(0.01)
    assert answers == []
    fake.faults.release()
    thread.join(5)
    assert answers == ["a"]


def test_reads_are_counted_when_asked(server: Server) -> None:
    server.faults.reset(counted="all")
    server.faults.at(2, "500")
    client = Client(unix_dial(server.socket_path))
    with pytest.raises(EngineError, match="told to fail"):
        client.get("/volumes")  # the second request: /_ping is the first
    assert client.get("/volumes")["Volumes"] == []
    assert server.faults.count == 3


def test_a_read_whose_connection_is_dropped_is_repeated(server: Server) -> None:
    client = Client(unix_dial(server.socket_path))
    client.get("/volumes")
    server.faults.reset(counted="all")
    server.faults.at(1, "drop")
    assert client.get("/volumes")["Volumes"] == []
    assert server.faults.count == 2


def test_the_proxy_passes_streams_and_events(fake: FakeEngine) -> None:
    with Proxy(fake.socket_path) as proxy:
        client = Client(unix_dial(proxy.socket_path))
        fake.registry["lib/app:2"] = {"cmd": ["x"]}
        with client.events({"type": ["image"]}) as events:
            query = {"fromImage": "lib/app", "tag": "2"}
            lines = list(client.stream("POST", "/images/create", query))
            event = events.next(5)
        assert lines[-1] == {"status": "Status: Downloaded newer image for lib/app:2"}
        assert event is not None
        assert event["Action"] == "pull"
        body = iter([b"not a tar" * 100])
        with pytest.raises(EngineError, match="invalid tar header"):
            list(client.stream("POST", "/build", {"t": "x:1"}, body))
        assert client.get("/images/lib/app:2/json")["RepoTags"] == ["lib/app:2"]


def test_a_misspelt_fault_is_refused(fake: FakeEngine) -> None:
    assert len(KINDS) == 8
    with pytest.raises(ValueError, match="no fault 'droop'"):
        fake.faults.at(1, "droop")
