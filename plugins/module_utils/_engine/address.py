# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which engine is meant: the options, the environment, a docker context, or a usual socket.

An address is as the host sees it, whichever machine this runs on.
"""

from __future__ import annotations

import os
from typing import Any, Mapping, NamedTuple, Optional, Tuple

from .._desired.errors import InvalidOption
from .options import DEFAULT_SOCKET

UNIX, TCP, SSH = "unix://", "tcp://", "ssh://"
# sun_path of sockaddr_un on Linux holds 108 bytes with its closing NUL (unix(7)).
LONGEST_PATH = 107
# What IANA registered for docker without and with TLS.
PLAIN_PORT, TLS_PORT = 2375, 2376
EXAMPLE = f"give {UNIX} and an absolute path, for example {UNIX}{DEFAULT_SOCKET}"
# Where engines listen if nobody says otherwise, in the order they are looked for, for a shell of
# the user: Docker, rootless Docker, the user's own Podman, the system's.
USUAL = (
    DEFAULT_SOCKET,
    '"${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/docker.sock"',
    '"${XDG_RUNTIME_DIR:-/run/user/$(id -u)}/podman/podman.sock"',
    "/run/podman/podman.sock",
)
_SWITCHES = ("DOCKER_TLS_VERIFY", "DOCKER_TLS", "DOCKER_CERT_PATH")


class Tls(NamedTuple):
    """Files in PEM (empty: the system's authorities, no client certificate) and the name sought."""

    ca: str = ""
    cert: str = ""
    key: str = ""
    name: str = ""


class Address(NamedTuple):
    """An engine's address; an empty `path` of a `unix://` one means the usual sockets."""

    scheme: str = UNIX
    path: str = ""
    host: str = ""
    port: int = 0
    user: str = ""
    tls: Optional[Tls] = None

    def __str__(self) -> str:
        """Return it as it would be declared."""
        user = f"{self.user}@" if self.user else ""
        port = f":{self.port}" if self.port else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}{user}{host}{port}{self.path}"


def find_address(options: Mapping[str, Any], environment: Mapping[str, str], own: bool) -> Address:
    """Return the address that a task means.

    The first that is set decides, as with docker's own client: `engine_host`, `engine_context`,
    DOCKER_HOST, DOCKER_CONTEXT, the current context, the usual sockets. `own`: the host is this
    machine, so that the contexts of this user count. Raise InvalidOption for what cannot be used.
    """
    declared, context = options.get("engine_host"), options.get("engine_context")
    if declared and context:
        raise InvalidOption("cannot be given beside engine_host", option="engine_context")
    if not declared and not context and environment.get("DOCKER_HOST"):
        address = parse_address(environment["DOCKER_HOST"], " (DOCKER_HOST in the environment)")
        return _secured(address, options, environment)
    if not declared and own:
        from .docker_context import context_address

        found = context_address(context, environment)
        if found is not None:
            return _secured(found, options, {})
    address = parse_address(declared) if declared else Address()
    return _secured(address, options, environment)


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
        raise _wrong(f"a {scheme} address whose port is no number from 1 to 65535", source, right)
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
    number = int(port) if port.isdigit() else 0
    return host, number if 0 < number < 65536 else None


def _secured(
    address: Address, options: Mapping[str, Any], environment: Mapping[str, str]
) -> Address:
    """Return the address with its port and how it is secured; InvalidOption for an open one."""
    names = ("engine_ca", "engine_cert", "engine_key", "engine_tls_hostname")
    given = [name for name in names if options.get(name)]
    wanted = options.get("engine_tls")
    if address.scheme != TCP:
        if given or wanted:
            fault = f"is for {TCP} addresses alone, the engine is at {address}"
            raise InvalidOption(fault, option=(given or ["engine_tls"])[0])
        return address
    if wanted is None:
        switched = any(environment.get(name) for name in _SWITCHES)
        wanted = bool(given or switched or address.tls or address.port == TLS_PORT)
    address = address._replace(port=address.port or (TLS_PORT if wanted else PLAIN_PORT))
    if wanted:
        return address._replace(tls=_files(address, options, environment))
    if given:
        raise InvalidOption(f"needs TLS; {given[0]} is given", option="engine_tls")
    if options.get("engine_tls") is None and not _loopback(address.host):
        raise InvalidOption(
            "whoever reaches an engine's port without TLS is root on its host",
            option="engine_host",
            hint="name engine_ca, engine_cert and engine_key, or say engine_tls: false",
        )
    return address._replace(tls=None)


def _loopback(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


def _files(address: Address, options: Mapping[str, Any], environment: Mapping[str, str]) -> Tls:
    """Return the files: the options', or those of the context, or of DOCKER_CERT_PATH."""
    held = address.tls or _folder(environment)
    cert, key = options.get("engine_cert"), options.get("engine_key")
    if bool(cert) != bool(key):
        option, missing = ("engine_cert", "engine_key") if cert else ("engine_key", "engine_cert")
        raise InvalidOption(f"needs {missing} as well", option=option)
    return Tls(
        options.get("engine_ca") or held.ca,
        cert or held.cert,
        key or held.key,
        options.get("engine_tls_hostname") or address.host,
    )


def _folder(environment: Mapping[str, str]) -> Tls:
    """Return what docker's client would take: its folder, if the environment asks for TLS."""
    if not any(environment.get(name) for name in _SWITCHES):
        return Tls()
    return files_in(environment.get("DOCKER_CERT_PATH") or os.path.expanduser("~/.docker"))


def files_in(folder: str) -> Tls:
    """Return those of docker's three files that a folder holds."""
    paths = (os.path.join(folder, f"{name}.pem") for name in ("ca", "cert", "key"))
    return Tls(*(path if os.path.exists(path) else "" for path in paths))


def usual_socket() -> str:
    """Return the first of the usual sockets that this user may use, else Docker's."""
    folder = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}"
    rest = (f"{folder}/docker.sock", f"{folder}/podman/podman.sock", USUAL[-1])
    usable = (path for path in (DEFAULT_SOCKET, *rest) if os.access(path, os.W_OK))
    return next(usable, DEFAULT_SOCKET)
