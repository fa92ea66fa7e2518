# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Host keys of machines, made on the controller, so that they are known before first contact."""

from __future__ import annotations

try:  # one of ansible-core's own requirements; documentation is read without it
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
    )
except ImportError:
    # A class has no None: generate() says what is missing.
    Ed25519PrivateKey = None  # type: ignore[assignment,misc]

from ...module_utils._desired.errors import FleetError
from ...module_utils._libvirt.cloud_init.config import HostKey

__all__ = ["HostKey", "generate"]


def generate(name: str) -> HostKey:
    """Return a new ed25519 host key; `name` is the comment of its public half.

    Raise FleetError if the controller has no `cryptography`.
    """
    if Ed25519PrivateKey is None:
        raise FleetError("the controller's Python has no cryptography", hint="reinstall Ansible")
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return HostKey(private.decode(), f"{public.decode()} {name}")
