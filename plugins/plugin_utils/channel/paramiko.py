# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Streams to a host's socket by Paramiko, for a controller that has no OpenSSH client.

Paramiko knows forwards to ports alone. The channel to a socket is OpenSSH's own extension
(PROTOCOL, 2.4: `direct-streamlocal@openssh.com`).
"""

from __future__ import annotations

import contextlib
import os
import socket
from typing import Any, Dict, List, Optional

from ...module_utils._desired.errors import EngineMissing
from ...module_utils._desired.threads import start
from ...module_utils._engine.client.address import TCP, Address
from ...module_utils._engine.client.options import DEFAULT_SOCKET
from ...module_utils._engine.client.tcp import securer
from .probe import LONGEST, Blocked, demand_socket, ping, probe_command, read_probe

_PIECE = 65536
_KIND = "direct-streamlocal@openssh.com"


class Login:
    """Whom to log in as where; what is None is taken from the user's ssh_config."""

    def __init__(
        self, host: str, port: Optional[int], user: Optional[str], key: Optional[str], password: Any
    ) -> None:
        self.host = host
        self.given: Dict[str, Any] = {"port": port, "username": user, "password": password}
        self.key = key


class Paramiko:
    """One connection of a task to the host; a stream is a channel of it, proven like a forward."""

    def __init__(self, login: Login, address: Address, timeout: float) -> None:
        self._timeout = timeout
        self._wanted = address.path
        usual = address.scheme != TCP and not address.path
        self.address = address._replace(path=DEFAULT_SOCKET) if usual else address
        self._secure = securer(address, timeout)
        self._host = login.host
        self._clients: List[Any] = []
        self._client = self._connect(login)
        try:
            self._prove()
        except BaseException:
            self.close()
            raise

    def dial(self) -> socket.socket:
        """Return a new stream."""
        return self._secure(_joined(self._channel(), self._timeout))

    def close(self) -> None:
        """End the connection and those of jump hosts."""
        while self._clients:
            self._clients.pop().close()

    def _prove(self) -> None:
        if self._answers():
            return
        if self.address.scheme != TCP:
            _in, out, _err = self._client.exec_command(probe_command(self._wanted))
            probe = read_probe(out.read(LONGEST).decode("utf-8", "replace"))
            if probe is not None:
                demand_socket(probe, self._host)
                self.address = self.address._replace(path=probe.path)
                if self._answers():
                    return
        raise Blocked(f"paramiko: {self._host} does not forward to {self.address}, or none answers")

    def _answers(self) -> bool:
        try:
            with self.dial() as stream:
                ping(stream, self._timeout)
        except OSError:
            return False
        return True

    def _channel(self) -> Any:
        transport = self._client.get_transport()
        try:
            if self.address.scheme == TCP:
                there = (self.address.host, self.address.port)
                return transport.open_channel("direct-tcpip", there, ("", 0), timeout=self._timeout)
            return transport.open_socket(self.address.path, self._timeout)
        except Exception as error:  # Paramiko's own kinds, not all of which are OSError
            raise ConnectionResetError(str(error)) from error

    def _connect(self, login: Login) -> Any:
        import paramiko

        config = _config(login.host)
        client = paramiko.SSHClient()
        client.load_system_host_keys()  # a host that is not among them is refused
        for path in config.get("userknownhostsfile", "").split():
            with contextlib.suppress(OSError):
                client.load_host_keys(os.path.expanduser(path))
        given = {name: value for name, value in login.given.items() if value is not None}
        keys = [login.key] if login.key else config.get("identityfile")
        known = {"username": config.get("user"), "port": int(config.get("port", 22))}
        try:
            client.connect(
                config.get("hostname", login.host),
                **{**known, **given},
                key_filename=keys,
                sock=self._behind(config),
                timeout=self._timeout,
                transport_factory=_transport(),
            )
        except (paramiko.SSHException, OSError) as error:
            self.close()
            raise EngineMissing(
                f"no ssh connection to {login.host}: {error}",
                hint="known_hosts must hold the host, and a key or the password must be given",
            ) from error
        self._clients.append(client)
        return client

    def _behind(self, config: Dict[str, Any]) -> Any:
        """Return the way through a jump host or a command, as ssh_config names it, or None."""
        import paramiko

        command = config.get("proxycommand")
        if command and command != "none":
            return paramiko.ProxyCommand(command)
        jump = config.get("proxyjump", "none")
        if jump == "none":
            return None
        *earlier, last = jump.split(",")
        if earlier:
            raise Blocked("paramiko: ProxyJump with more than one host; name each in its own block")
        user, _at, host = last.rpartition("@")
        host, _colon, port = host.partition(":")
        login = Login(host, int(port) if port else None, user or None, None, None)
        there = (config.get("hostname"), int(config.get("port", 22)))
        transport = self._connect(login).get_transport()
        return transport.open_channel("direct-tcpip", there, ("", 0), timeout=self._timeout)


def _config(host: str) -> Dict[str, Any]:
    """Return what the user's ssh_config says of a host."""
    import paramiko

    path = os.path.expanduser("~/.ssh/config")
    if not os.path.exists(path):
        return {}
    return dict(paramiko.SSHConfig.from_path(path).lookup(host))


def _transport() -> Any:
    import paramiko

    class Transport(paramiko.Transport):
        """A transport that can ask for a channel to a unix socket."""

        _socket_path: Optional[str] = None

        def open_socket(self, path: str, timeout: float) -> Any:
            """Open a channel to the socket `path`; one at a time, as a task does it."""
            self._socket_path = path
            try:
                return self.open_channel(_KIND, timeout=timeout)
            finally:
                self._socket_path = None

        def _send_user_message(self, data: Any) -> None:
            if self._socket_path is not None and data.asbytes()[:1] == b"\x5a":  # CHANNEL_OPEN
                data.add_string(self._socket_path)
                data.add_string("")  # reserved
                data.add_int(0)  # reserved
            super()._send_user_message(data)

    return Transport


def _joined(channel: Any, timeout: float) -> socket.socket:
    """Return a plain stream that is joined to a channel; half closes are passed on."""
    ours, theirs = socket.socketpair()
    ours.settimeout(timeout)
    for work in (_up, _down):
        start(work, theirs, channel)
    return ours


def _up(theirs: socket.socket, channel: Any) -> None:
    with contextlib.suppress(OSError):
        for data in iter(lambda: theirs.recv(_PIECE), b""):
            channel.sendall(data)
    with contextlib.suppress(OSError, EOFError):
        channel.shutdown_write()


def _down(theirs: socket.socket, channel: Any) -> None:
    with contextlib.suppress(OSError):
        for data in iter(lambda: channel.recv(_PIECE), b""):
            theirs.sendall(data)
    with contextlib.suppress(OSError):
        theirs.shutdown(socket.SHUT_RDWR)
    theirs.close()
    channel.close()
