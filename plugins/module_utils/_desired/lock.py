# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exclusion of other writers on one machine; death releases it."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import tempfile
from typing import Iterator


def folder() -> str:
    """Return the folder of the lock files: the system's for root, the user's own otherwise."""
    if os.geteuid() == 0:
        return "/run/lock/dockyard.fleet"
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime:
        return os.path.join(runtime, "dockyard.fleet")
    return os.path.join(tempfile.gettempdir(), f"dockyard.fleet-{os.geteuid()}")


@contextlib.contextmanager
def lock(what: str) -> Iterator[None]:
    """Hold the lock of one engine or hypervisor, named by any text; wait until it is free."""
    os.makedirs(folder(), mode=0o700, exist_ok=True)
    name = hashlib.sha256(what.encode()).hexdigest()[:24]
    handle = os.open(os.path.join(folder(), name), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
