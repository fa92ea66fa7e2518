"""Streams that never cease, and wait for nothing: what is awaited comes to an end all the same."""

from __future__ import annotations

import contextlib
import itertools
import socket
import time
from typing import Any, Callable, Dict, List

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import FleetError
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.errors import (
    EngineError,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.raw_stream import (
    Frames,
    Raw,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container import wait
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.building import build

from ..conftest import forever

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
NO_EVENT = [
    (OK + b"\r\n", b"\n"),
    (OK + b"\r\n", b"\r\n" * 4000),
    (CHUNKED, b"1\r\n\n\r\n"),
    (CHUNKED, b"1\r\n\n\r\n" * 4000),
    (CHUNKED, b"0"),
    (OK + b"\r\n", b'{"id": "' + b"x" * 100),
]


@pytest.mark.parametrize(("start", "piece"), NO_EVENT)
def test_waiting_for_an_event_ends_whatever_else_comes(
    drip: Callable[..., str], start: bytes, piece: bytes
) -> None:
    with Client(unix_dial(drip(start, forever(piece))), 10) as client:
        assert client.api == (1, 41)
        with client.events({}) as events:
            begun = time.monotonic()
            # 8 MiB of one object are no event either.
            with contextlib.suppress(EngineError):
                assert events.next(0.2) is None
                assert events.next(0) is None
            assert time.monotonic() - begun < 2


@pytest.mark.parametrize(("start", "piece"), NO_EVENT)
def test_what_is_no_object_breaks_no_silence(
    drip: Callable[..., str], start: bytes, piece: bytes
) -> None:
    with Client(unix_dial(drip(start, forever(piece))), 10) as client:
        assert client.api == (1, 41)
        begun = time.monotonic()
        with pytest.raises(EngineError, match=r"did not answer|without end"):
            list(client.stream("POST", "/build", idle=0.3))
        assert time.monotonic() - begun < 3


def test_a_stream_may_take_longer_than_its_silences(drip: Callable[..., str]) -> None:
    part = b'8\r\n{"a": 1}\r\n'
    path = drip(CHUNKED, iter([*[part] * 60, b"0\r\n\r\n"]))
    with Client(unix_dial(path), 10) as client:
        assert client.api == (1, 41)
        begun = time.monotonic()
        assert list(client.stream("POST", "/build", idle=1)) == [{"a": 1}] * 60
        assert time.monotonic() - begun > 1


class Restless:
    """Events that never cease, each there at once."""

    def __init__(self, *events: Dict[str, Any]) -> None:
        self._events = itertools.cycle(events)

    def next(self, _timeout: float) -> Dict[str, Any]:
        return next(self._events)


@pytest.mark.parametrize("mine", [False, True])
def test_events_without_end_do_not_put_off_the_end_of_a_wait(
    monkeypatch: pytest.MonkeyPatch, mine: bool
) -> None:
    monkeypatch.setattr(wait, "_LATE", 0.1)
    die = {"Action": "die", "id": "a" if mine else "b", "Actor": {"Attributes": {"exitCode": "3"}}}
    ended: Dict[str, Any] = {}
    begun = time.monotonic()
    wait._read_end(Restless(die, {"id": "b"}), "a", ended)
    assert wait._next(Restless({"id": "b"}), "a", time.monotonic() + 0.1, ended) is False
    assert time.monotonic() - begun < 2
    assert ended == ({"ExitCode": 3} if mine else {})


def test_empty_frames_count_as_output() -> None:
    frames = Frames(False, room=100)
    for _turn in range(12):
        frames.feed(b"\1" + bytes(7))
    with pytest.raises(FleetError, match="which is too much for a result"):
        frames.feed(b"\1" + bytes(7))
    few = Frames(False, room=100)
    few.feed(b"\1\0\0\0\0\0\0\1a\2\0\0\0\0\0\0\1b")
    assert few.texts() == {1: "a", 2: "b"}


@pytest.mark.parametrize(
    ("start", "piece"), [(CHUNKED, b"0"), (CHUNKED, b"8\r\n\1\0\0\0\0\0\0\0\r\n")]
)
def test_a_command_with_a_limit_ends_whatever_drips(
    drip: Callable[..., str], start: bytes, piece: bytes
) -> None:
    with Client(unix_dial(drip(start, forever(piece))), 10) as client:
        assert client.api == (1, 41)
        begun = time.monotonic()
        with Raw(client, "POST", "/exec/x/start") as raw_answer, pytest.raises(socket.timeout):
            for _piece in raw_answer.talk(None, time.monotonic() + 0.2):
                pass
        assert time.monotonic() - begun < 2


def test_a_line_of_a_build_without_end_is_not_kept() -> None:
    tail: List[str] = []
    for _turn in range(40):
        build._collect(tail, {"stream": "x" * 100_000})
    assert len("".join(tail)) < 1_000_000
