# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command that joins its standard input and output to an engine's socket on a host."""

from __future__ import annotations

import re
import shlex
from typing import Mapping, Optional, Sequence

from .probe import PREFIX, TELL_MEMBER, choose_socket

# The first one that the host has is used: an engine's own client, then what ends at end of file
# (`nc -U` does not).
TOOLS = ("docker", "podman", "socat", "python3")
READY = PREFIX + "ready"

# Ends like a wire: an end of input is passed on, the engine's end ends it.
_PYTHON = """\
import os, socket, sys, threading
engine = socket.socket(socket.AF_UNIX)
try:
    engine.connect(sys.argv[1])
except OSError as error:
    sys.exit("connect: %s" % error.strerror)
def send():
    while True:
        data = os.read(0, 65536)
        if not data:
            break
        engine.sendall(data)
    engine.shutdown(1)
threading.Thread(target=send, daemon=True).start()
while True:
    data = engine.recv(65536)
    if not data:
        break
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
"""

# Without -t socat ends half a second after an end on one side.
COMMANDS = {
    "docker": 'docker -H "unix://$s" system dial-stdio',
    "podman": 'podman --remote --url "unix://$s" system dial-stdio',
    "socat": 'socat -t 86400 - "UNIX-CONNECT:$s"',
    "python3": f'python3 -I -S -c {shlex.quote(_PYTHON)} "$s"',
}


def relay_script(
    path: str, tools: Sequence[str], commands: Optional[Mapping[str, str]] = None
) -> str:
    """Return a script for /bin/sh that tells on stderr what it finds and becomes the relay.

    An empty `path` stands for the usual sockets. `commands` are what to become, by the tool that
    each needs; `$s` is the socket in them.

    It writes READY and a newline on stdout before the stream begins, so that what a login shell
    prints before can be told from it. English messages are asked for, since they are read.
    """
    known = COMMANDS if commands is None else commands
    lines = [
        "LC_ALL=C; export LC_ALL; unset DOCKER_HOST DOCKER_CONTEXT DOCKER_TLS_VERIFY",
        f'{choose_socket(path)}; echo "{PREFIX}path=$s" >&2',
        'set -- $(ls -ldL "$s" 2>/dev/null)',
        f'echo "{PREFIX}user=$(id -un)" >&2; echo "{PREFIX}group=$4" >&2',
        f'[ -S "$s" ] || {{ echo "{PREFIX}missing=" >&2; exit 90; }}',
        f'[ -w "$s" ] || {{ echo "{PREFIX}denied=" >&2; {{ {TELL_MEMBER}; }} >&2; exit 91; }}',
    ]
    for tool in tools:
        if tool != "socat" or re.fullmatch(r"[\w./-]*", path):  # others are special to socat
            lines.append(
                f"if command -v {tool} >/dev/null 2>&1; then "
                f'echo "{PREFIX}tool={tool}" >&2; echo "{READY}"; exec {known[tool]}; fi'
            )
    lines.append(f'echo "{PREFIX}tool=" >&2; exit 92')
    return "\n".join(lines)
