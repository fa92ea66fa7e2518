"""An engine that is broken or hostile: no end, no shape, no limit; and what bounds it."""

from __future__ import annotations

import contextlib
import json
import resource
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable, Dict, Iterator, List, Tuple

import pytest
from ansible.errors import AnsibleError
from ansible.playbook.play_context import PlayContext
from ansible_collections.dockyard.fleet.plugins.connection.container import Connection
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import FleetError
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client import (
    connection as wire,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client import (
    events,
    raw_stream,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.errors import (
    EngineError,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.raw_stream import Frames
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container.resource import (
    CONTAINER,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.copy.resource import COPY
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.exec.resource import EXEC
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.resource import IMAGE
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.info.logs import LOGS
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.info.readers import (
    CONTAINERS,
    HOST,
    IMAGES,
    NETWORKS,
    VOLUMES,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.network.resource import NETWORK
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.prune.resource import PRUNE
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.volume.resource import VOLUME
from ansible_collections.dockyard.fleet.plugins.plugin_utils.connection.engine import Link
from ansible_collections.dockyard.fleet.plugins.plugin_utils.connection.open import open_link

from tests.lab.amounts import amount
from tests.lab.hostile import HostileEngine, Mutant, names
from tests.lab.tasks import do

from ..conftest import PING, forever

OK = b"HTTP/1.1 200 OK\r\n"
JSON = OK + b"Content-Length: %d\r\n\r\n%s"


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (OK, b"A: b\r\n"),
        (OK + b"A: ", b"x"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1", b" "),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"A: b\r\n"),
        (OK + b"Content-Length: 1000000\r\n\r\n", b"x"),
        (OK + b"\r\n", b"x"),
    ],
)
def test_what_drips_for_ever_comes_to_an_end(
    drip: Callable[..., str], start: bytes, piece: bytes
) -> None:
    with Client(unix_dial(drip(start, forever(piece))), 0.2) as client:
        assert client.api == (1, 41)
        with pytest.raises(EngineError) as caught:
            client.get("/containers/json")
    assert "did not answer GET /containers/json within" in str(caught.value) or "without end" in (
        str(caught.value)
    )


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (OK, b"A: b\r\n" * 1000),
        (OK + b"A: ", b"x" * 9000),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
        (OK + b"Content-Length: 9000000000\r\n\r\n", b"x" * 90000),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"ffff\r\n" + b"x" * 0xFFFF + b"\r\n"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"A: b\r\n" * 1000),
    ],
)
def test_what_has_no_end_is_not_kept(
    drip: Callable[..., str], monkeypatch: pytest.MonkeyPatch, start: bytes, piece: bytes
) -> None:
    monkeypatch.setattr(wire, "BODY_LIMIT", 4 << 20)
    with Client(unix_dial(drip(start, forever(piece))), 10) as client:
        assert client.api == (1, 41)
        with pytest.raises(EngineError, match=r"is not a container engine.s: .*(end|longer)"):
            client.get("/containers/json")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 301 Moved\r\nContent-Length: 2\r\n\r\n{}", "answered 301 to GET /x"),
        (OK + b"Content-Length: -5\r\n\r\n", "it has a length of '-5'"),
        (OK + b"Content-Length: 1_0\r\n\r\n", "it has a length of '1_0'"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\n", "it has a length of '-5'"),
        (JSON % (200_000, b"[" * 200_000), "nested more than 64 deep"),
        (JSON % (200, b"[" * 100 + b"]" * 100), "nested more than 64 deep"),
        (JSON % (3, b"NaN"), "it holds the number NaN"),
        (JSON % (5, b"1e999"), "it holds the number 1e999"),
        (JSON % (5000, b"9" * 5000), "is not JSON"),
    ],
)
def test_what_no_engine_answers_is_said(
    script: Callable[..., Any], answer: bytes, said: str
) -> None:
    server = script([PING, answer])
    with Client(unix_dial(server.path), 5) as client:
        assert client.api == (1, 41)
        with pytest.raises(EngineError) as caught:
            client.get("/x")
    assert said in str(caught.value)


def test_halves_of_characters_become_whole_ones(script: Callable[..., Any]) -> None:
    text = rb'{"a\ud800": ["\udc00 \ud83d\ude00", "\\ud800"]}'
    server = script([PING, JSON % (len(text), text)])
    with Client(unix_dial(server.path), 5) as client:
        assert client.api == (1, 41)
        assert client.get("/x") == {"a\ufffd": ["\ufffd \U0001f600", "\\ud800"]}


def test_output_beyond_what_a_result_holds_ends_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = Frames(False, room=100)
    frames.feed(b"\1\0\0\0\0\0\0\x50" + b"x" * 80)
    with pytest.raises(FleetError, match="which is too much for a result"):
        frames.feed(b"\1\0\0\0\0\0\0\x50" + b"x" * 80)
    giant = Frames(False, room=None)
    head = b"\2\0\0\0\xff\xff\xff\xff"
    assert giant.feed(head + b"x" * 10) == [(2, b"x" * 10)]  # it waits for no four gigabytes
    assert giant.feed(b"y") == [(2, b"y")]
    assert raw_stream.OUTPUT <= wire.BODY_LIMIT


# -- answers of another shape -------------------------------------------------------------------

TASK: Dict[str, Any] = {"image": "app:1", "monitor": "1ms", "wait_timeout": "1s"}
TASKS: Tuple[Tuple[Any, Dict[str, Any]], ...] = (
    (CONTAINER, {"name": "web", **TASK, "labels": {"a": "2"}, "volumes": ["data:/data"]}),
    (CONTAINER, {"name": "new", **TASK, "networks": {"front": {}}, "volumes_from": ["web"]}),
    (CONTAINER, {"name": "web", "state": "absent"}),
    (CONTAINER, {"name": "web", "state": "stopped", "force_restart": False}),
    (IMAGE, {"name": "app:1", "state": "absent"}),
    (NETWORK, {"name": "front", "internal": True}),
    (NETWORK, {"name": "front", "state": "absent"}),
    (VOLUME, {"name": "data", "labels": {"a": "1"}}),
    (VOLUME, {"name": "data", "state": "absent", "destroy": "data"}),
    (PRUNE, {"containers": True}),
    (EXEC, {"container": "web", "command": "echo a", "wait_timeout": "1s"}),
    (COPY, {"container": "web", "content": "x", "dest": "/etc/x"}),
    (LOGS, {"container": "web"}),
    *((reader, {}) for reader in (CONTAINERS, IMAGES, NETWORKS, VOLUMES, HOST)),
)
# Forged by whoever makes an image, on a container that stands beside those of the tasks.
LABELS = {
    "dockyard.fleet.dependent": '{"of":[1]}',
    "dockyard.fleet.container": '{"secret":5,"digests":7,"replaces":[],"carried":{"a":1}}',
    "dockyard.fleet.network": "[" * 90_000,
    "com.docker.compose.project": "\x1b[2J",
}


@contextlib.contextmanager
def hostile_engine() -> Iterator[HostileEngine]:
    with HostileEngine() as fake:
        fake.add_image("app:1")
        fake.add_image("forged:1", labels=LABELS)
        prepare(fake)
        yield fake


def prepare(fake: HostileEngine) -> None:
    """Have there what the tasks are about."""
    fake.mutant = None
    fake.add_image("app:1")
    do(NETWORK, fake.socket_path, name="front")
    for name, image in (("web", "app:1"), ("beside", "forged:1")):
        do(CONTAINER, fake.socket_path, **{**TASK, "image": image}, name=name)
    assert {"/web", "/beside"} <= {one["Name"] for one in fake.containers.values()}


def test_forged_labels_are_in_nobodys_way() -> None:
    with hostile_engine() as fake:
        for what, params in TASKS:
            told = do(what, fake.socket_path, check=True, **params)
            assert "cannot be read" not in told.get("msg", ""), (params, told)
            if what in (CONTAINERS, LOGS, EXEC) or params.get("state") == "absent":
                assert not told.get("failed") or "refused" in told["msg"], (params, told)


def test_answers_of_any_shape_end_in_a_message() -> None:
    count = amount(300, 10_000)
    said: Counter[str] = Counter()
    slowest = 0.0
    with hostile_engine() as fake:
        seed = 0
        while fake.spoilt < count:
            what, params = TASKS[seed % len(TASKS)]
            seed += 1
            if seed % 50 == 0:
                prepare(fake)
            fake.mutant = Mutant(seed)
            begun = time.monotonic()
            told = do(what, fake.socket_path, check=seed % 4 > 0, **params)
            slowest = max(slowest, time.monotonic() - begun)
            json.dumps(told).encode()
            str(told.get("msg", "")).encode()
            said[_kind_of(told)] += 1
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"{fake.spoilt} answers, {seed} tasks, slowest {slowest:.1f} s, peak memory {peak} MiB")
    _print(said)


def test_the_connection_plugin_answers_with_a_message(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whether a command still runs may be spoilt as well: that is asked again soon."""
    monkeypatch.setattr(events, "_LOOK_AGAIN", 0.02)
    source = tmp_path / "source"
    source.write_text("x")
    said: Counter[str] = Counter()
    texts: List[str] = []
    with hostile_engine() as fake:
        seed = 0
        options = {"container": "web", "remote_user": "root"}
        while fake.spoilt < amount(150, 2_000):
            seed += 1
            plugin = Connection(PlayContext())
            plugin._link = Link(SimpleNamespace(get_option=options.get), PlayContext(), open_link)
            monkeypatch.setattr(plugin._link, "_client", Client(unix_dial(fake.socket_path), 1))
            fake.mutant = Mutant(seed)
            try:
                plugin.exec_command("echo a")
                plugin.put_file(str(source), "/tmp/x")
                plugin.fetch_file("/tmp/x", str(tmp_path / "target"))
                said["ok"] += 1
            except AnsibleError as error:
                texts.append(error.message)
                said[_kind_of({"failed": True, "msg": error.message})] += 1
            plugin.close()
    assert [text for text in texts if "container web on this machine: " not in text] == []
    assert any("cannot be read" in text for text in texts)
    _print(said)


def test_hostile_names_end_in_a_message() -> None:
    said: Counter[str] = Counter()
    with hostile_engine() as fake:
        fake.forget()
        for number, name in enumerate(names(amount(100, 5_000), 7)):
            readers = (CONTAINERS, IMAGES, NETWORKS, VOLUMES)
            told = do(readers[number % 4], fake.socket_path, names=[name])
            said[_kind_of(told)] += 1
            for what in (EXEC, LOGS):
                given = {"command": "id"} if what is EXEC else {}
                told = do(what, fake.socket_path, check=True, container=name, **given)
                json.dumps(told).encode()
                str(told.get("msg", "")).encode()
                said[_kind_of(told)] += 1
        assert fake.writes == []
    _print(said)


def _kind_of(told: Dict[str, Any]) -> str:
    if not told.get("failed"):
        return "ok"
    text = "".join(char for char in str(told["msg"]) if not char.isdigit())
    return text.split(": ", 1)[-1][:70]


def _print(said: Counter[str]) -> None:
    lines: List[str] = [f"{count:6} {text}" for text, count in said.most_common(10)]
    print("\n".join(lines))
