# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reach a host's socket through a process there that joins it to standard input and output."""

from __future__ import annotations

import contextlib
import select
import shlex
import socket
import subprocess
import tempfile
import time
from typing import IO, Any, List, Mapping, Optional, Tuple

from ansible import constants as C
from ansible.module_utils.common.text.converters import to_bytes, to_text

from ...module_utils._desired.errors import FleetError
from ...module_utils._engine.client.address import Address
from .probe import (
    LONGEST,
    Blocked,
    denied_socket,
    marked,
    missing_socket,
    ping,
    silent_socket,
    stalled_engine,
)
from .relay_script import COMMANDS, READY, TOOLS, relay_script
from .ssh import Ssh, last_line

# How long an ended input may take to end the process; then it is told to (seconds).
END_SECONDS = 2.0


class Wire:
    """One relay process and our end of the socket pair that is its input and output."""

    def __init__(self, command: List[bytes]) -> None:
        self._errors: IO[bytes] = tempfile.TemporaryFile(  # noqa: SIM115 - closed by end()
            dir=C.DEFAULT_LOCAL_TMP
        )
        self.stream, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                command, stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=self._errors
            )

    def errors(self) -> str:
        """Return what the process wrote to stderr so far (the last 64 KiB)."""
        size = self._errors.seek(0, 2)
        self._errors.seek(max(0, size - 65536))
        text: str = to_text(self._errors.read())
        return text

    def await_ready(self, become: Any, password: Optional[str], deadline: float) -> None:
        """Read up to the line READY, giving the password when it is asked for.

        Raise FleetError for a password that is refused, Blocked if the process ends before or
        does not come so far until `deadline` (of the monotonic clock).
        """
        seen, asked = b"", 0
        while not seen.endswith(READY.encode() + b"\n"):
            if time.monotonic() > deadline or len(seen) > LONGEST:
                raise Blocked(f"relay: it did not start in time: {last_line(self.errors())}")
            if asked or password is not None:
                asked = self._answer(become, password, asked)
            # The prompt comes by stderr, a file that cannot be waited for.
            if select.select([self.stream], [], [], 0.005 if password is not None else 0.5)[0]:
                byte = self.stream.recv(1)
                if not byte:
                    raise Blocked(f"relay: it ended at once: {last_line(self.errors())}")
                seen += byte

    def _answer(self, become: Any, password: Optional[str], asked: int) -> int:
        """Send the password if a prompt stands after `asked` characters; return where to go on."""
        text = self.errors()
        if not become.check_password_prompt(to_bytes(text[asked:])):
            return asked
        if asked:
            raise FleetError(
                f"the {become.name} password was refused",
                hint="give the right one with --ask-become-pass or ansible_become_password",
            )
        self.stream.sendall(to_bytes(password) + b"\n")
        return len(text)

    def end(self) -> None:
        """End the stream and with it the process; a user may still hold the stream."""
        with contextlib.suppress(OSError):  # closed by its user: the process has its end of file
            self.stream.shutdown(socket.SHUT_RDWR)
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._force()
        self.stream.close()
        self._errors.close()

    def _force(self) -> None:
        # A process of another user has its end of file; more we may not do.
        with contextlib.suppress(PermissionError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait(END_SECONDS)


class Relay:
    """A relay process per stream; the first is opened and proven when this object is made.

    `_commands` are what a process may be, by the tool that it needs on the host.

    `ssh` is None on this machine; `become` None if the login user itself may use the socket.
    """

    _commands: Mapping[str, str] = COMMANDS

    def __init__(
        self, ssh: Optional[Ssh], connection: Any, become: Any, address: Address, timeout: float
    ) -> None:
        self.address = address
        self._ssh = ssh
        self._connection = connection
        self._become = become
        self._path = address.path
        self._timeout = timeout
        self._host = ssh.host if ssh else "this machine"
        self._wires: List[Wire] = []
        self._tools: Tuple[str, ...] = tuple(tool for tool in TOOLS if tool in self._commands)
        self._check_means()
        self._spare: Optional[Wire] = self._first()

    def dial(self) -> socket.socket:
        """Return the stream of a new process (the first time: of the proven one)."""
        wire, self._spare = self._spare, None
        return (wire or self._start()).stream

    def close(self) -> None:
        """End all processes."""
        while self._wires:
            self._wires.pop().end()

    def _check_means(self) -> None:
        become = self._become
        if become is not None and (become.require_tty or not become.pipelining):
            raise Blocked(f"relay: {become.name} needs a terminal")
        if self._ssh is None or self._ssh.control("check"):
            return
        self._ssh.probe(self._path)  # starts the shared connection, or fails as any task does
        if self._ssh.has_password and not self._ssh.control("check"):
            raise Blocked("relay: a separate connection cannot pass the ssh password")

    def _first(self) -> Optional[Wire]:
        """Return a wire over which the engine answered, or None if it can answer only once."""
        try:
            while True:
                wire = self._start()
                try:
                    return wire if ping(wire.stream, self._timeout) else None
                except socket.timeout as error:
                    raise stalled_engine(self._seen(wire), self._host, self._timeout) from error
                except OSError as error:
                    self._drop_tool(wire, error)
        except BaseException:
            self.close()
            raise

    def _seen(self, wire: Wire) -> str:
        """Return the socket that the relay goes to."""
        return marked(wire.errors()).get("path", self._path)

    def _drop_tool(self, wire: Wire, error: OSError) -> None:
        """Take the tool that failed from the list; EngineMissing if it was not the tool's fault."""
        self._wires.remove(wire)
        wire.stream.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            wire.process.wait(END_SECONDS)
        text = wire.errors()
        wire.end()
        if "connection refused" in text.lower():
            raise silent_socket(marked(text).get("path", self._path), self._host) from error
        tool = marked(text).get("tool", "")
        if tool not in self._tools:
            raise Blocked(f"relay: {last_line(text)}") from error
        self._tools = tuple(other for other in self._tools if other != tool)

    def _start(self) -> Wire:
        password = None
        wire = Wire(self._command())
        self._wires.append(wire)
        if self._become is not None and self._become.expect_prompt():
            password = self._become.get_option("become_pass")
        try:
            wire.await_ready(self._become, password, time.monotonic() + self._timeout)
        except Blocked as blocked:
            raise self._verdict(wire.errors(), blocked) from blocked
        wire.stream.settimeout(self._timeout)
        self.address = self.address._replace(path=self._seen(wire))
        return wire

    def _command(self) -> List[bytes]:
        script = relay_script(self._path, self._tools, self._commands)
        if self._become is None:
            words = "/bin/sh -c " + shlex.quote(script)
        else:
            words = self._become.build_become_command(script, self._connection._shell)
        if self._ssh is None:
            return [b"/bin/sh", b"-c", to_bytes(words)]
        return self._ssh.argv("-T", self._ssh.host, words)

    def _verdict(self, text: str, blocked: Blocked) -> Exception:
        """Return what the end of a process that never was ready means."""
        marks = marked(text)
        user, become = marks.get("user", ""), self._become
        path = marks.get("path", self._path)
        if "missing" in marks:
            return missing_socket(path, self._host, user)
        if "denied" in marks:
            group, member = marks.get("group", ""), "member" in marks
            return denied_socket(path, self._host, user, group, member)
        if "tool" in marks:
            return Blocked(f"relay: {self._host} has none of {', '.join(self._tools)} that works")
        output = to_bytes(text)
        if become is not None and become.check_missing_password(output):
            return FleetError(
                f"{become.name} on {self._host} asks for a password and none was given",
                hint="use --ask-become-pass or ansible_become_password",
            )
        if become is not None and become.check_incorrect_password(output):
            return FleetError(
                f"the {become.name} password for {self._host} was refused",
                hint="give the right one with --ask-become-pass or ansible_become_password",
            )
        return blocked
