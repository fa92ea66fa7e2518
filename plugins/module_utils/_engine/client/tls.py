# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the port of an engine is secured: the options, the context, or docker's environment."""

from __future__ import annotations

import os
from typing import Any, Mapping

from ..._desired.errors import InvalidOption
from .address import TCP, TLS_FILES, Address, Tls

# What IANA registered for docker without and with TLS.
PLAIN_PORT, TLS_PORT = 2375, 2376
_SWITCHES = ("DOCKER_TLS_VERIFY", "DOCKER_TLS", "DOCKER_CERT_PATH")


def secured(
    address: Address, options: Mapping[str, Any], environment: Mapping[str, str]
) -> Address:
    """Return the address with its port and how it is secured; InvalidOption for an open one."""
    given = [name for name in TLS_FILES if options.get(name)]
    wanted = options.get("engine_tls")
    if address.scheme != TCP:
        if given or wanted:
            fault = f"is for {TCP} addresses only, but the engine is at {address}"
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
            hint="name engine_ca, engine_cert and engine_key, or set engine_tls: false",
        )
    return address._replace(tls=None)


def _loopback(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


def _files(address: Address, options: Mapping[str, Any], environment: Mapping[str, str]) -> Tls:
    """Return the files: the options', or those of the context, or of DOCKER_CERT_PATH."""
    stored = address.tls or _folder(environment)
    cert, key = options.get("engine_cert"), options.get("engine_key")
    if bool(cert) != bool(key):
        option, missing = ("engine_cert", "engine_key") if cert else ("engine_key", "engine_cert")
        raise InvalidOption(f"needs {missing} as well", option=option)
    return Tls(
        options.get("engine_ca") or stored.ca,
        cert or stored.cert,
        key or stored.key,
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
