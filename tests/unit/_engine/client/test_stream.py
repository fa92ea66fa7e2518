"""Streams, events and logs of the client."""

from __future__ import annotations

import io
import tarfile
from typing import Any, Callable, Iterator, List

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.errors import (
    ConnectionLost,
    EngineError,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.log_tail import (
    last_lines,
)

from tests.lab.fake_engine import FakeEngine

from ..conftest import PING

TAR = {"Content-Type": "application/x-tar"}


def context(dockerfile: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo("Dockerfile")
        member.size = len(dockerfile)
        archive.addfile(member, io.BytesIO(dockerfile.encode()))
    return buffer.getvalue()


def streamed(*pieces: bytes) -> bytes:
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


def test_objects_are_cut_wherever_the_pieces_end(script: Callable[..., Any]) -> None:
    text = '{"stream": "a ü"}\r\n{"stream": "{b}"}{"aux": {"ID": "x"}}\n'.encode()
    pieces = [text[at : at + 1] for at in range(len(text))]
    client = Client(unix_dial(script([PING], [streamed(*pieces)]).path))
    found = list(client.stream("POST", "/build"))
    assert found == [{"stream": "a ü"}, {"stream": "{b}"}, {"aux": {"ID": "x"}}]


def test_a_build_streams_what_it_does(fake: FakeEngine, client: Client) -> None:
    tar = context("FROM app:1\nENV A=1\n")
    query = {"t": ("own:1", "own:2"), "buildargs": {"V": "2"}, "labels": {"l": "m"}}
    parts = (tar[at : at + 100] for at in range(0, len(tar), 100))
    lines = list(client.stream("POST", "/build", query, parts, TAR))
    image = client.get("/images/own:2/json")
    assert {"aux": {"ID": image["Id"]}} in lines
    assert (image["Config"]["Env"], image["Config"]["Labels"]) == (["PATH=/bin", "A=1"], {"l": "m"})
    assert sorted(image["RepoTags"]) == ["own:1", "own:2"]
    assert (fake.builds[0].args, fake.builds[0].files["Dockerfile"]) == (
        {"V": "2"},
        b"FROM app:1\nENV A=1\n",
    )


def test_an_error_inside_a_successful_stream_is_raised(client: Client) -> None:
    lines = client.stream("POST", "/build", {"t": "x:1"}, context("FROM app:1\nRUN false\n"), TAR)
    seen: List[Any] = []
    with pytest.raises(EngineError, match="'/bin/sh -c false' returned a non-zero code: 1") as it:
        seen.extend(lines)
    assert it.value.status == 200
    with pytest.raises(EngineError, match="No such image: x:1"):
        client.get("/images/x:1/json")


def test_a_pull_says_what_it_brought(fake: FakeEngine, client: Client) -> None:
    fake.registry["lib/app:2"] = {"cmd": ["x"], "labels": {"v": "2"}}
    fake.registry["lib/bad:1"] = {"error": "toomanyrequests"}
    query = {"fromImage": "lib/app", "tag": "2"}
    words = [
        list(client.stream("POST", "/images/create", query))[-1]["status"].partition(" for")[0]
        for _twice in (1, 2)
    ]
    assert words == ["Status: Downloaded newer image", "Status: Image is up to date"]
    assert client.get("/images/lib/app:2/json")["Config"]["Labels"] == {"v": "2"}
    for name, text in (("lib/bad", "toomanyrequests"), ("lib/none", "pull access denied")):
        with pytest.raises(EngineError, match=text):
            list(client.stream("POST", "/images/create", {"fromImage": name, "tag": "1"}))


def test_a_refusal_while_the_body_is_still_sent_is_read(fake: FakeEngine, client: Client) -> None:
    fake.faults.at(1, "nospace")
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for _turn in range(100_000):
            sent += 1
            yield b"z" * 10_000

    with pytest.raises(EngineError, match="no space left on device"):
        list(client.stream("POST", "/build", None, endless(), TAR))
    assert sent < 1000


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (streamed(b"<html>"), EngineError, "goes on with '<html>'"),
        (streamed(b'{"a": 1}\n', b'{"b": '), EngineError, "ends within"),
        (streamed(b'{"a": 1}')[:-5], ConnectionLost, "broke during POST /build"),
        (streamed(b'{"errorDetail": {"message": "deep"}}'), EngineError, "deep"),
    ],
)
def test_a_bad_stream_is_one_clear_error(
    script: Callable[..., Any], answer: bytes, kind: type, words: str
) -> None:
    client = Client(unix_dial(script([PING], [answer]).path))
    with pytest.raises(kind, match=words):
        list(client.stream("POST", "/build"))


def test_a_silent_stream_ends_after_the_idle_time(fake: FakeEngine, client: Client) -> None:
    fake.faults.at(1, "stall")
    with pytest.raises(ConnectionLost, match=r"did not answer POST /build within 0\.1 s"):
        list(client.stream("POST", "/build", body=context("FROM app:1\n"), idle=0.1))


# -- events -----------------------------------------------------------------------------------


def test_events_are_seen_from_the_moment_the_block_is_entered(
    fake: FakeEngine, client: Client
) -> None:
    health = {"Test": ["CMD", "true"]}
    fake.behave("app:1", "healthy-after:0.05")
    client.post("/containers/create", {"name": "web"}, {"Image": "app:1", "Healthcheck": health})
    client.post("/containers/create", {"name": "other"}, {"Image": "app:1"})
    with client.events({"type": ["container"], "container": ["web"]}) as events:
        assert events.next(0.01) is None
        client.post("/containers/other/start")
        client.post("/containers/web/start")
        first, second = events.next(2), events.next(2)
        assert events.next(0.01) is None
        client.post("/containers/web/stop")
        rest = [events.next(2) for _turn in range(3)]
    assert first is not None
    assert second is not None
    assert (first["Action"], first["Actor"]["Attributes"]["name"]) == ("start", "web")
    assert second["Action"] == "health_status: healthy"
    assert [event and event["Action"] for event in rest] == ["kill", "die", "stop"]


def test_the_end_of_events_is_an_error_and_not_silence(fake: FakeEngine, client: Client) -> None:
    with client.events({}) as events:
        fake.hang_up()
        with pytest.raises(ConnectionLost, match="GET /events"):
            events.next(5)


def test_refused_events_are_raised_on_entering(script: Callable[..., Any]) -> None:
    answer = b'HTTP/1.1 400 X\r\nContent-Length: 25\r\n\r\n{"message": "bad filter"}'
    client = Client(unix_dial(script([PING], [answer]).path))
    with pytest.raises(EngineError, match="bad filter"), client.events({"x": ["y"]}):
        pass


# -- logs -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("tty", "end"), [(False, "\n"), (True, "\r\n")])
def test_logs_are_text_of_both_streams(
    fake: FakeEngine, client: Client, tty: bool, end: str
) -> None:
    client.post("/containers/create", {"name": "web"}, {"Image": "app:1", "Tty": tty})
    fake.log("web", "one", "two ü")
    fake.log("web", "bad \udcff", stream=2)
    fake.log("web", "x" * 5000)
    assert last_lines(client, "web", tail=3) == f"two ü{end}bad �{end}{'x' * 5000}{end}"
    with pytest.raises(EngineError, match="No such container: none"):
        last_lines(client, "none")
