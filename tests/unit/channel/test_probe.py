"""A ping tells an engine from nobody, from one that stalls, and from something else."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.dockyard.fleet.plugins.plugin_utils.channel_probe import (
    Probe,
    denied_socket,
    ping,
    probe_command,
    read_probe,
)

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"


def answer(reply: Callable[[socket.socket], None], timeout: float = 5.0) -> bool:
    """Ping somebody who does `reply` with his end of the stream."""
    ours, theirs = socket.socketpair()
    thread = threading.Thread(target=reply, args=(theirs,))
    thread.start()
    try:
        return ping(ours, timeout)
    finally:
        ours.close()
        thread.join()
        theirs.close()


def in_pieces(*pieces: bytes) -> Callable[[socket.socket], None]:
    def reply(stream: socket.socket) -> None:
        stream.recv(4096)
        for piece in pieces:
            stream.sendall(piece)
        stream.shutdown(socket.SHUT_WR)

    return reply


def test_an_engine_answers_and_its_stream_can_be_used_again() -> None:
    assert answer(in_pieces(b"HT", HEAD[2:] + b"\r\n", b"O", b"K")) is True


@pytest.mark.parametrize(
    "head", [b"HTTP/1.1 200 OK\r\n\r\n", HEAD + b"Connection: close\r\n\r\nOK"]
)
def test_a_stream_of_unknown_end_is_not_used_again(head: bytes) -> None:
    assert answer(in_pieces(head)) is False


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (in_pieces(), ConnectionResetError),
        (in_pieces(HEAD + b"\r\nO"), ConnectionResetError),
        (in_pieces(b"SSH-2.0-OpenSSH\r\n"), ConnectionError),
    ],
)
def test_nobody_and_somebody_else_are_errors(
    reply: Callable[[socket.socket], None], kind: type[OSError]
) -> None:
    with pytest.raises(kind):
        answer(reply)


def test_somebody_who_stalls_runs_into_the_timeout() -> None:
    with pytest.raises(socket.timeout):
        answer(lambda stream: stream.recv(4096) and None, timeout=0.05)


def test_the_probe_tells_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "it's a $ocket"

    def probe() -> Probe | None:
        done = subprocess.run(
            probe_command(str(path)), shell=True, capture_output=True, text=True, check=True
        )
        return read_probe("Welcome to this server\n" + done.stdout)

    absent = probe()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
    present = probe()
    assert absent is not None
    assert present is not None
    assert (absent.exists, absent.group) == (False, "")
    assert (present.exists, present.writable) == (True, True)
    assert present.group == path.group()
    assert present.user == absent.user == path.owner()


def test_a_command_that_was_cut_off_is_no_probe() -> None:
    assert read_probe("This account is not available.\n") is None


def test_nobody_is_told_to_join_the_group_of_root() -> None:
    assert "group" not in str(denied_socket("/s", "server", "me", "root"))
