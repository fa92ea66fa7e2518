# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find out whether an engine answers on a stream, and if not, why."""

from __future__ import annotations

import re
import shlex
import socket
import time
from dataclasses import dataclass
from typing import Dict, Optional

from ...module_utils._desired.errors import EngineMissing
from ...module_utils._engine.client.address import USUAL

# Printed by our commands on the host, so that noise of a login shell cannot be mistaken for it.
PREFIX = "dockyard-fleet:"
# Bytes of an answer to a ping, or of what a login shell prints before our line.
LONGEST = 65536


class Blocked(Exception):
    """One way to the engine that cannot be taken; its text is a sentence that says why."""


@dataclass(frozen=True)
class Probe:
    """What a user of the host sees of the engine's socket.

    `member`: the user is in the socket's group, and has logged in before that was so.
    """

    path: str
    user: str
    group: str
    exists: bool
    writable: bool
    member: bool = False


def connect(path: str, timeout: float) -> socket.socket:
    """Open a stream to a unix socket of this machine; raise OSError as the system does."""
    stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        stream.settimeout(timeout)
        stream.connect(path)
    except OSError:
        stream.close()
        raise
    return stream


def ping(stream: socket.socket, timeout: float) -> bool:
    """Ask `GET /_ping` and return whether the stream can be used for a further request.

    Raise OSError: a reset or an end if nothing is behind the stream, TimeoutError if something is
    whose answer is not whole within `timeout` seconds, ConnectionError if it is not HTTP/1.
    """
    stream.settimeout(timeout)
    stream.sendall(b"GET /_ping HTTP/1.1\r\nHost: engine\r\n\r\n")
    try:
        return _read_answer(stream, time.monotonic() + timeout)
    finally:
        stream.settimeout(timeout)


def _read_answer(stream: socket.socket, end: float) -> bool:
    reply = b""
    while b"\r\n\r\n" not in reply:
        reply += _more(stream, end)
        if not b"HTTP/1.".startswith(reply[:7]) or len(reply) > LONGEST:
            raise ConnectionError("what answers does not speak HTTP")
    head, _gap, body = reply.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d{1,5})(?:\r|$)", head)
    if length is None or re.search(rb"(?i)\r\nconnection: *close", head):
        return False
    while len(body) < int(length.group(1)):
        body += _more(stream, end)
    return True


def _more(stream: socket.socket, end: float) -> bytes:
    left = end - time.monotonic()
    if left <= 0:
        raise socket.timeout
    stream.settimeout(left)
    chunk = stream.recv(4096)
    if not chunk:
        raise ConnectionResetError("closed before it answered")
    return chunk


def choose_socket(path: str) -> str:
    """Return lines for a shell that set `s`: the path, or the first usual one that can be used.

    An empty `path` stands for the usual ones; if none of them can be used, `s` is the first.
    """
    words = [shlex.quote(path)] if path else list(USUAL)
    return (
        f"for s in {' '.join(words)}; do "
        f'[ -S "$s" ] && [ -w "$s" ] && break; s=; done; [ -n "$s" ] || s={words[0]}'
    )


# For a shell that has a socket's group in $4: a login of now would be in it, this one is not.
TELL_MEMBER = (
    'case " $(id -Gn) " in *" $4 "*) ;; '
    '*) case " $(id -Gn "$(id -un)" 2>/dev/null) " in '
    f'*" $4 "*) echo "{PREFIX}member=" ;; esac ;; esac'
)


def probe_command(path: str) -> str:
    """Return the command that tells what the user it runs as sees of the engine's socket."""
    script = (
        f'{choose_socket(path)}; echo "{PREFIX}path=$s"; echo "{PREFIX}user=$(id -un)"; '
        f'[ -S "$s" ] && echo "{PREFIX}exists="; [ -w "$s" ] && echo "{PREFIX}writable="; '
        f'set -- $(ls -ldL "$s" 2>/dev/null); {TELL_MEMBER}; echo "{PREFIX}group=$4"'
    )
    return "/bin/sh -c " + shlex.quote(script)


def read_probe(output: str) -> Optional[Probe]:
    """Read the output of `probe_command`; return None if the command did not run to its end."""
    seen = marked(output)
    if not seen.get("user") or "group" not in seen:
        return None
    exists, writable = "exists" in seen, "writable" in seen
    path, member = seen.get("path", ""), "member" in seen
    return Probe(path, seen["user"], seen["group"], exists, writable, member)


def marked(text: str) -> Dict[str, str]:
    """Return the keys and values of the marked lines that our commands print."""
    lines = (line.partition(PREFIX)[2].strip() for line in text.splitlines() if PREFIX in line)
    return {key: value for key, _equals, value in (line.partition("=") for line in lines)}


def demand_socket(probe: Probe, host: str) -> None:
    """Raise EngineMissing if the probe saw no socket, or one that its user may not use."""
    if not probe.exists:
        raise missing_socket(probe.path, host, probe.user)
    if not probe.writable:
        raise denied_socket(probe.path, host, probe.user, probe.group, probe.member)


def missing_socket(path: str, host: str, user: str) -> EngineMissing:
    """Return the error for a socket that does not exist, or not in the sight of `user`."""
    return EngineMissing(
        f"no engine on {host}: user {user} finds no socket {path}",
        option="engine_host",
        hint="install or start the engine, or name its socket, for example "
        "unix:///run/user/1000/docker.sock",
    )


def denied_socket(
    path: str, host: str, user: str, group: str, member: bool = False
) -> EngineMissing:
    """Return the error for a socket that `user` may not write to; `member` as in Probe."""
    hint = "use become: true with a user that has it"
    if group not in ("", "root", "wheel"):
        hint = f"add {user} to the group {group}, or use become: true"
        if member:
            hint = (
                f"{user} is in the group {group} now, and logged in before that: end the shared"
                f" connection by meta: reset_connection, or by ssh -O exit {host} with Ansible's"
                " ControlPath; on this machine log in again"
            )
    return EngineMissing(
        f"user {user} has no permission on the engine's socket {path} on {host}",
        option="engine_host",
        hint=hint,
    )


def silent_socket(path: str, host: str) -> EngineMissing:
    """Return the error for a socket behind which nothing listens."""
    return EngineMissing(
        f"no engine on {host}: nothing listens on the socket {path}",
        option="engine_host",
        hint="start the engine",
    )


def stalled_engine(path: str, host: str, timeout: float) -> EngineMissing:
    """Return the error for an engine that accepts a connection and does not answer in time."""
    return EngineMissing(
        f"what listens on {path} on {host} did not answer GET /_ping within {timeout:g} s",
        option="engine_host",
        hint="see the engine's log, or raise engine_timeout",
    )
