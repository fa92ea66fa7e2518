"""The client against the fake engine: what callers get, and what goes over the wire."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, List

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import (
    EngineMissing,
    FleetError,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    target,
    unix_dial,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.errors import (
    ConnectionLost,
    EngineError,
)

from tests.lab.fake_engine import FakeEngine

from ..conftest import PING

ROOT = Path(__file__).resolve().parents[4]


def answer(body: bytes, status: int = 200, fields: bytes = b"") -> bytes:
    size = b"Content-Length: %d\r\n" % len(body)
    return b"HTTP/1.1 %d X\r\n%s%s\r\n%s" % (status, size, fields, body)


def counting(fake: FakeEngine) -> Any:
    """Return a dial that counts its connections in `.made`."""

    def dial() -> socket.socket:
        dial.made += 1
        return unix_dial(fake.socket_path)()

    dial.made = 0
    return dial


# -- reads ------------------------------------------------------------------------------------


def test_many_reads_are_answered_in_order_on_one_connection(fake: FakeEngine) -> None:
    for number in range(300):
        fake.add_image(f"many/image-{number}:1", seed=str(number), env={"LONG": "x" * 2500})
    dial = counting(fake)
    client = Client(dial)
    asked = [(f"/images/many/image-{number}:1/json", None) for number in range(300)]
    tags = [image["RepoTags"][0] for image in client.get_all(asked)]
    assert tags == [f"many/image-{number}:1" for number in range(300)]
    assert dial.made == 1


def test_a_refusal_among_reads_stands_in_its_place(client: Client) -> None:
    paths = ["/images/app:1/json", "/images/none:1/json", "/networks/bridge"]
    first, second, third = client.get_all([(path, None) for path in paths])
    assert (first["RepoTags"], third["Name"]) == (["app:1"], "bridge")
    assert isinstance(second, EngineError)
    assert (second.status, second.path) == (404, "/images/none:1/json")
    assert second.message == "no such image: none:1: No such image: none:1"


def test_first_reads_need_one_round_trip(script: Callable[..., Any]) -> None:
    # The second answer is there before the client could have seen the first.
    server = script([PING + answer(b"[1]"), answer(b"[2]")])
    client = Client(unix_dial(server.path))
    assert client.get_all([("/containers/json", None)]) == [[1]]
    assert client.get_all([]) == []
    assert client.api == (1, 41)


def test_an_engine_newer_than_us_is_asked_in_our_version(fake: FakeEngine) -> None:
    with FakeEngine(api="1.60") as newer:
        newer.add_image("app:1")
        client = Client(unix_dial(newer.socket_path))
        assert client.get_all([("/images/app:1/json", None)])[0]["RepoTags"] == ["app:1"]
        assert client.api == (1, 51)


def test_an_engine_too_old_is_named(fake: FakeEngine) -> None:
    with FakeEngine(api="1.39") as old, pytest.raises(FleetError, match=r"engine too old.*1\.39"):
        Client(unix_dial(old.socket_path)).get("/containers/json")


def test_podman_is_told_from_docker(script: Callable[..., Any], client: Client) -> None:
    ping = PING.replace(b"Api-Version", b"Libpod-API-Version: 5.4.2\r\nApi-Version")
    podman = Client(unix_dial(script([ping]).path))
    assert (podman.kind, client.kind) == ("podman", "docker")
    assert client.server == "Docker/20.10.24"


def test_a_read_on_a_connection_that_died_is_repeated(script: Callable[..., Any]) -> None:
    # The first connection dies after the request was sent, when it could not be seen before.
    server = script([PING, answer(b"[]"), None], [answer(b"[7]")])
    client = Client(unix_dial(server.path))
    assert client.get("/containers/json") == []
    assert client.get("/containers/json") == [7]
    assert server.seen[-2:] == [b"GET /v1.41/containers/json HTTP/1.1"] * 2


def test_a_read_is_repeated_only_once(script: Callable[..., Any]) -> None:
    server = script([PING, answer(b"[]"), None], [None])
    client = Client(unix_dial(server.path))
    client.get("/containers/json")
    with pytest.raises(ConnectionLost, match="broke during GET /containers/json"):
        client.get("/containers/json")


def test_an_engine_that_restarts_between_requests_is_not_noticed(
    fake: FakeEngine, client: Client
) -> None:
    client.get("/containers/json")
    fake.hang_up()
    client.post("/volumes/create", None, {"Name": "data"})
    assert list(fake.volumes) == ["data"]


@pytest.mark.parametrize("size", [0, 1, 70000])
def test_bodies_come_whole_however_they_are_framed(script: Callable[..., Any], size: int) -> None:
    text = b'"' + b"y" * size + b'"'
    chunks = b"".join(b"%x;ext=1\r\n%c\r\n" % (1, byte) for byte in text)
    chunked = b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n%s0\r\nTrailer: 1\r\n\r\n"
    closing = b"HTTP/1.0 200 X\r\n\r\n" + text
    server = script([PING, answer(text), chunked % chunks, closing], [answer(b"[]")])
    client = Client(unix_dial(server.path))
    assert [client.get("/x") for _turn in range(3)] == ["y" * size] * 3
    assert client.get("/x") == []


# -- mutations --------------------------------------------------------------------------------


def test_a_mutation_is_sent_as_the_engine_wants_it(fake: FakeEngine, client: Client) -> None:
    body = {"Image": "app:1", "Env": ["A=ü"]}
    made = client.post("/containers/create", {"name": "web", "platform": None}, body)
    assert client.post("/containers/web/start") is None
    assert client.post("/containers/web/start") is None  # 304
    assert client.delete("/containers/web", {"force": True, "v": False}) is None
    assert list(made) == ["Id", "Warnings"]
    assert fake.writes[0] == ("POST", "/containers/create", {"name": "web"}, body)
    assert fake.writes[-1] == ("DELETE", "/containers/web", {"force": "1", "v": "0"}, None)


def test_a_file_put_into_a_container_can_be_read_back(fake: FakeEngine, client: Client) -> None:
    import io
    import tarfile

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("secret")
        member.size = 3
        archive.addfile(member, io.BytesIO(b"abc"))
    client.post("/containers/create", {"name": "web"}, {"Image": "app:1"})
    client.put("/containers/web/archive", {"path": "/run"}, buffer.getvalue())
    reply = client.fetch("/containers/web/archive", {"path": "/run/secret"})
    with tarfile.open(fileobj=io.BytesIO(reply.body)) as archive:
        handle = archive.extractfile("secret")
        assert handle is not None
        assert handle.read() == b"abc"


def test_a_refused_mutation_keeps_the_engines_words(client: Client) -> None:
    with pytest.raises(EngineError) as caught:
        client.post("/containers/create", {"name": "web"}, {"Image": "none:1"})
    error = caught.value
    assert (error.status, error.method, error.path) == (404, "POST", "/containers/create")
    assert str(error) == "No such image: none:1"
    assert not isinstance(error, ConnectionLost)


def test_a_mutation_is_never_sent_twice(script: Callable[..., Any]) -> None:
    server = script([PING, answer(b"[]"), None], [answer(b"{}")])
    client = Client(unix_dial(server.path))
    client.get("/containers/json")
    with pytest.raises(ConnectionLost, match="broke during POST /containers/a/start"):
        client.post("/containers/a/start")
    assert [line for line in server.seen if line.startswith(b"POST")] == [
        b"POST /v1.41/containers/a/start HTTP/1.1"
    ]


def test_a_worker_has_its_own_connection_and_asks_for_no_version(fake: FakeEngine) -> None:
    dial = counting(fake)
    client = Client(dial)
    client.get("/containers/json")
    with client.worker() as worker:
        worker.post("/volumes/create", None, {"Name": "data"})
        assert worker.api == client.api
    assert dial.made == 2
    assert [call.path for call in fake.calls].count("/_ping") == 1


# -- answers that no engine gives -------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "kind", "words"),
    [
        ([b"SSH-2.0-OpenSSH_9.2\r\n\r\n"], EngineError, "begins with 'SSH-2.0"),
        ([b"\x00\xff\r\n\r\n"], EngineError, "not a container engine's"),
        ([answer(b"")], EngineError, "names no Api-Version"),
        ([PING, answer(b"<html>")], EngineError, "not JSON: it begins with '<html>'"),
        ([PING, answer(b"\xff\xfe")], EngineError, "not JSON"),
        ([PING, answer(b"it broke", 500)], EngineError, "it broke"),
        ([PING, answer(b"", 502)], EngineError, "answered 502 to POST /x"),
        ([PING, answer(b'{"message": null}', 500)], EngineError, "answered 500 to POST /x"),
        ([PING, answer(b"[1, 2]", 500)], EngineError, r"\[1, 2\]"),
        ([PING, answer(b"[1, 2, 3]")[:-3]], ConnectionLost, "broke during POST /x"),
        ([PING, b"HTTP/1.1 200 OK\r\nContent-Le"], ConnectionLost, "closed by the other side"),
        ([PING, b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n"], EngineError, "many"),
        (
            [PING, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"],
            EngineError,
            "not a container engine's",
        ),
        ([PING, b"x" * 100_000], EngineError, "a line without end"),
    ],
)
def test_a_bad_answer_is_one_clear_error(
    script: Callable[..., Any], answers: List[object], kind: type, words: str
) -> None:
    client = Client(unix_dial(script(answers).path), timeout=2)
    with pytest.raises(kind, match=words):
        client.post("/x")


def test_a_silent_engine_ends_in_a_message_with_the_time(fake: FakeEngine, client: Client) -> None:
    client.get("/containers/json")
    fake.faults.at(1, "stall")
    with pytest.raises(ConnectionLost, match=r"did not answer POST /x/start within 0\.1 s"):
        client.post("/x/start", timeout=0.1)
    fake.faults.release()
    assert client.get("/containers/json") == []


# -- no engine --------------------------------------------------------------------------------


def test_why_there_is_no_engine(tmp_path: Path) -> None:
    with pytest.raises(EngineMissing, match=f"no socket at {tmp_path}/none"):
        Client(unix_dial(f"{tmp_path}/none")).get("/info")
    dead = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    dead.bind(f"{tmp_path}/dead")
    dead.close()
    with pytest.raises(EngineMissing, match=f"nothing listens at {tmp_path}/dead"):
        Client(unix_dial(f"{tmp_path}/dead")).post("/x")

    def refuse() -> socket.socket:
        raise PermissionError(13, "Permission denied", "/var/run/docker.sock")

    with pytest.raises(EngineMissing, match=r"no permission.*docker\.sock.*become: true"):
        Client(refuse).get("/info")


# -- requests ---------------------------------------------------------------------------------


def test_query_values_are_encoded_for_the_engine() -> None:
    query = {"a": True, "n": 5, "none": None, "f": {"x": ["y z"]}, "t": ("one", "two"), "u": "ü&"}
    assert target("/images/reg:5000/a b?c/json", query) == (
        "/images/reg:5000/a%20b%3Fc/json"
        "?a=1&n=5&f=%7B%22x%22:%5B%22y%20z%22%5D%7D&t=one&t=two&u=%C3%BC%26"
    )


def test_a_no_op_loads_nothing_of_streams() -> None:
    code = (
        "import sys\n"
        "import ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine\n"
        "print(sorted(m for m in sys.modules if m in ('http.client', 'ssl', 'email', 'codecs')\n"
        "             or m.endswith('_engine.client.stream')))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": str(ROOT / "collections")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() in ("[]", "['codecs']")
    assert "http.client" not in done.stdout
    assert "ssl" not in done.stdout
