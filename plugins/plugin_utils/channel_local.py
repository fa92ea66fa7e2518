# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reach an engine's socket on this machine."""

from __future__ import annotations

import grp
import os
import pwd
import socket

from .channel_probe import connect, denied_socket, missing_socket, silent_socket


class Direct:
    """The socket itself; EngineMissing if it is not there, not ours to use, or nobody listens."""

    def __init__(self, path: str, timeout: float, user: str) -> None:
        self._path = path
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
            raise denied_socket(self._path, host, self._user, group) from error
        except ConnectionRefusedError as error:
            raise silent_socket(self._path, host) from error

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
