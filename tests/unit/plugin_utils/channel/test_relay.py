"""The relay script, run by a real shell with the tools that a host may have."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.dockyard.fleet.plugins.plugin_utils.channel.probe import marked
from ansible_collections.dockyard.fleet.plugins.plugin_utils.channel.relay_script import (
    READY,
    TOOLS,
    relay_script,
)


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """Return a folder that is the whole PATH of the host: a shell, id and ls."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("sh", "id", "ls"):
        os.symlink(shutil.which(tool) or tool, folder / tool)
    return folder


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "a 'socket"))
        server.listen()
        server.settimeout(60)
        yield server


def start(path: str, folder: Path) -> subprocess.Popen[bytes]:
    pipe = subprocess.PIPE
    command = ["/bin/sh", "-c", relay_script(path, TOOLS)]
    return subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=pipe, env={"PATH": str(folder)}
    )


def send_all(stream: socket.socket, body: bytes) -> None:
    stream.sendall(body)
    stream.shutdown(socket.SHUT_WR)


def add_tool(folder: Path, name: str, body: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{body}\n")
    (folder / name).chmod(0o755)


def test_python_carries_bytes_both_ways_and_passes_ends_on(
    tools: Path, listener: socket.socket
) -> None:
    os.symlink(sys.executable, tools / "python3")
    body = os.urandom(1_000_000)
    with start(listener.getsockname(), tools) as relay:
        assert relay.stdout is not None
        assert relay.stdin is not None
        assert relay.stdout.readline() == READY.encode() + b"\n"
        stream, _peer = listener.accept()
        with stream:
            relay.stdin.write(b"question")
            relay.stdin.close()
            assert b"".join(iter(lambda: stream.recv(65536), b"")) == b"question"
            # After the end of input: a half-closed stream still carries.
            sender = threading.Thread(target=send_all, args=(stream, body))
            sender.start()
            assert relay.stdout.read() == body
            sender.join()
        assert relay.wait(60) == 0


@pytest.mark.parametrize(
    ("present", "taken"),
    [
        (["docker", "podman", "socat", "python3"], "docker"),
        (["podman", "python3"], "podman"),
        (["socat", "python3"], "python3"),  # this path has signs that socat reads otherwise
        (["python3"], "python3"),
        ([], ""),
    ],
)
def test_the_first_tool_that_the_host_has_is_used(
    tools: Path, listener: socket.socket, present: list[str], taken: str
) -> None:
    for name in present:
        add_tool(tools, name, f'echo "{name}:$*"')
    with start(listener.getsockname(), tools) as relay:
        out, err = relay.communicate(timeout=60)
    assert marked(err.decode()).get("tool") == taken
    assert out.decode().startswith(f"{READY}\n{taken}:" if taken else "")
    assert bool(out) == bool(taken)


def test_socat_takes_a_plain_path(tools: Path, tmp_path: Path) -> None:
    add_tool(tools, "socat", 'echo "$*"')
    path = str(tmp_path / "engine.sock")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        with start(path, tools) as relay:
            out, _err = relay.communicate(timeout=60)
    assert f"UNIX-CONNECT:{path}" in out.decode()


def test_a_missing_socket_is_told_before_any_tool_starts(tools: Path, tmp_path: Path) -> None:
    add_tool(tools, "docker", "echo never")
    with start(str(tmp_path / "none"), tools) as relay:
        out, err = relay.communicate(timeout=60)
    assert out == b""
    assert "missing" in marked(err.decode())
