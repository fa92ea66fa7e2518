"""A ping tells an engine from nobody, from one that stalls, and from something else."""

from __future__ import annotations

import contextlib
import grp
import pwd
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.dockyard.fleet.plugins.plugin_utils.channel import local
from ansible_collections.dockyard.fleet.plugins.plugin_utils.channel.probe import (
    Probe,
    denied_socket,
    marked,
    ping,
    probe_command,
    read_probe,
)
from ansible_collections.dockyard.fleet.plugins.plugin_utils.channel.relay_script import (
    relay_script,
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


@pytest.mark.parametrize("piece", [b"A: b\r\n", b"A: b\r\n" * 4000])
def test_an_answer_without_end_is_given_up(piece: bytes) -> None:
    over = threading.Event()

    def reply(stream: socket.socket) -> None:
        stream.recv(4096)
        with contextlib.suppress(OSError):
            stream.sendall(b"HTTP/1.1 200 OK\r\n")
            while not over.wait(0.02 if len(piece) < 100 else 0):
                stream.sendall(piece)

    begun = time.monotonic()
    ours, theirs = socket.socketpair()
    thread = threading.Thread(target=reply, args=(theirs,), daemon=True)
    thread.start()
    with theirs, ours, pytest.raises((socket.timeout, ConnectionError)):
        ping(ours, 0.3)
    assert time.monotonic() - begun < 3
    over.set()
    thread.join()


def test_the_length_of_hundreds_of_digits_is_no_number() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000
    assert answer(in_pieces(head + b"\r\n\r\nOK")) is False


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


@pytest.mark.parametrize(
    ("now", "member"), [("me adm", False), ("me GROUP adm", True), ("me GROUPS adm", False)]
)
def test_a_login_that_is_older_than_its_group_is_told_from_a_user_without_it(
    tmp_path: Path, now: str, member: bool
) -> None:
    """`id` without a name tells of the login, with one of the database."""
    path = tmp_path / "socket"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
    groups = now.replace("GROUP", path.group())
    program = tmp_path / "id"
    program.write_text(
        '#!/bin/sh\n[ "$1" = -un ] && echo me && exit\n[ -z "$2" ] && echo me && exit\n'
        f"echo {groups}\n"
    )
    program.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(
        probe_command(str(path)),
        shell=True,
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    found = read_probe(done.stdout)
    assert found is not None
    assert (found.user, found.member) == ("me", member)
    script = (
        relay_script("/nowhere", []).replace('[ -S "$s" ]', "true").replace('[ -w "$s" ]', "false")
    )
    script = script.replace('ls -ldL "$s"', f"ls -ldL '{path}'")
    relay = subprocess.run(
        ["/bin/sh", "-c", script], capture_output=True, text=True, env=environment, check=False
    )
    assert ("member" in marked(relay.stderr)) is member


def test_whoever_is_in_the_group_already_is_not_told_to_join_it() -> None:
    said = str(denied_socket("/s", "server", "me", "docker", member=True))
    assert "add me" not in said
    assert "ssh -O exit server" in said
    assert "meta: reset_connection" in said
    assert "add me to the group docker" in str(denied_socket("/s", "server", "me", "docker"))


def test_a_local_login_that_is_older_than_its_group(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = grp.struct_group(("docker", "x", 4711, ["me"]))
    monkeypatch.setattr(local.grp, "getgrnam", lambda name: entry)
    monkeypatch.setattr(local.pwd, "getpwnam", lambda name: pwd.getpwuid(0))
    assert local._is_member("me", "docker") is True
    assert local._is_member("you", "docker") is False
    monkeypatch.setattr(local.os, "getgroups", lambda: [4711])
    assert local._is_member("me", "docker") is False
