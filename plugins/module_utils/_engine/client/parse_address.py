# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading an address as users write it: `unix://`, `tcp://` or `ssh://`."""

from __future__ import annotations

from typing import Any, Optional, Tuple

from ..._desired.errors import InvalidOption
from .address import SSH, TCP, UNIX, Address
from .options import DEFAULT_SOCKET

# sun_path of sockaddr_un on Linux holds 108 bytes with its closing NUL (unix(7)).
LONGEST_PATH = 107
EXAMPLE = f"give {UNIX} and an absolute path, for example {UNIX}{DEFAULT_SOCKET}"


def parse_address(value: Any, source: str = "") -> Address:
    """Read an address; `source` says where it stood.

    Of an address that is refused only the scheme is repeated: it could hold a password.
    """
    if not isinstance(value, str):
        raise _wrong(f"must be a string, got {type(value).__name__}", source, EXAMPLE)
    if value.startswith("/"):
        raise _wrong(f"a path without a scheme: {value}", source, f"write {UNIX}{value}")
    if value.startswith(UNIX):
        return Address(UNIX, _socket_path(value[len(UNIX) :], source))
    for scheme in (TCP, SSH):
        if value.startswith(scheme):
            return _remote(scheme, value[len(scheme) :], source)
    seen = value.split("://")[0] + "://" if "://" in value else "an address without one"
    raise _wrong(f"only {UNIX}, {TCP} and {SSH} are accepted, got {seen}", source, EXAMPLE)


def _wrong(fault: str, source: str, right: str) -> InvalidOption:
    return InvalidOption(fault + source, option="engine_host", hint=right)


def _socket_path(path: str, source: str) -> str:
    if "~" in path or "$" in path:
        fault = f"'~' and '$' are not expanded on the host: {path}"
        raise _wrong(fault, source, "write the path in full")
    if not path.startswith("/") or not path.isprintable():
        raise _wrong(f"not an absolute path: {path!r}", source, EXAMPLE)
    if len(path.encode()) > LONGEST_PATH:
        fault = f"the path is longer than {LONGEST_PATH} bytes: {path}"
        raise _wrong(fault, source, "name a shorter path")
    return path


def _remote(scheme: str, rest: str, source: str) -> Address:
    """Read what follows `tcp://` or `ssh://`: `[user@]host[:port][/socket]`."""
    right = "write tcp://HOST:PORT" if scheme == TCP else "write ssh://[USER@]HOST[:PORT]"
    where, slash, path = rest.partition("/")
    user, _at, name = where.rpartition("@")
    if ":" in user or (user and scheme == TCP):
        raise _wrong(f"a {scheme} address that holds a login", source, right)
    host, port = _host_and_port(name)
    # A name that begins with a dash would be an option of ssh.
    if not host or host.startswith("-") or user.startswith("-") or not _plain(host + user):
        raise _wrong(f"a {scheme} address without a usable host name", source, right)
    if port is None:
        raise _wrong(
            f"a {scheme} address whose port is not a number from 1 to 65535", source, right
        )
    if scheme == TCP:
        if path:
            raise _wrong(f"a {scheme} address with a path", source, right)
        return Address(TCP, "", host, port)
    return Address(SSH, _socket_path(slash + path, source) if path else "", host, port, user)


def _plain(text: str) -> bool:
    return all(char.isalnum() or char in "._-:%" for char in text)


def _host_and_port(text: str) -> Tuple[str, Optional[int]]:
    """Split `host`, `host:port` and `[v6]:port`; 0 is no port, None one that cannot be."""
    if text.startswith("["):
        host, _bracket, rest = text[1:].partition("]")
        port = rest[1:] if rest.startswith(":") else rest
    else:
        host, _colon, port = text.partition(":")
    if not port:
        return host, 0
    number = int(port) if port.isascii() and port.isdigit() and len(port) < 6 else 0
    return host, number if 0 < number < 65536 else None
