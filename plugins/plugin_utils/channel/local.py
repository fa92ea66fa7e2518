# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reach an engine from this machine: its socket, or its port."""

from __future__ import annotations

import grp
import os
import pwd
import socket

from ...module_utils._desired.errors import EngineMissing
from ...module_utils._engine.client.address import Address
from ...module_utils._engine.client.resolve import usual_socket
from ...module_utils._engine.client.tcp import tcp_dial
from .probe import connect, denied_socket, missing_socket, ping, silent_socket, stalled_engine


class Direct:
    """The socket itself; EngineMissing if it is not there, not ours to use, or nothing listens."""

    def __init__(self, address: Address, timeout: float, user: str) -> None:
        self._path = address.path or usual_socket()
        self.address = address._replace(path=self._path)
        self._timeout = timeout
        self._user = user
        self.dial().close()

    def dial(self) -> socket.socket:
        """Return a new stream; EngineMissing as in the constructor."""
        host = "this machine"
        try:
            return connect(self._path, self._timeout)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise missing_socket(self._path, host, self._user) from error
        except PermissionError as error:
            group = _group(self._path)
            member = _is_member(self._user, group)
            raise denied_socket(self._path, host, self._user, group, member) from error
        except ConnectionRefusedError as error:
            raise silent_socket(self._path, host) from error

    def close(self) -> None:
        """Do nothing: streams are their users'."""


class Port:
    """The engine's port; EngineMissing if nothing listens or the certificates do not fit."""

    def __init__(self, address: Address, timeout: float) -> None:
        self.address = address
        self._dial = tcp_dial(address, timeout)
        try:
            with self._dial() as stream:
                ping(stream, timeout)
        except socket.timeout as error:
            raise stalled_engine(str(address), "this machine", timeout) from error
        except OSError as error:
            raise EngineMissing(
                f"{address}: {error}",
                hint="engine_host must name an engine's port, engine_tls if it speaks TLS",
            ) from error

    def dial(self) -> socket.socket:
        """Return a new stream; EngineMissing as in the constructor."""
        return self._dial()

    def close(self) -> None:
        """Do nothing: streams are their users'."""


def current_user() -> str:
    """Return the name of the user this process runs as, or its number if it has no name."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _group(path: str) -> str:
    try:
        return grp.getgrgid(os.stat(path).st_gid).gr_name
    except (OSError, KeyError):
        return ""


def _is_member(user: str, group: str) -> bool:
    """Tell whether a user is in a group that this login does not have, since it is older."""
    try:
        entry, primary = grp.getgrnam(group), pwd.getpwnam(user).pw_gid
    except KeyError:
        return False
    has = entry.gr_gid in (*os.getgroups(), os.getegid())
    return not has and (user in entry.gr_mem or primary == entry.gr_gid)
