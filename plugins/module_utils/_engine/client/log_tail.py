# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last words of a container."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .engine import Client
_FRAME = 8  # stream number, three zero bytes, length (Engine API, "Attach to a container")


def last_lines(client: Client, container: str, tail: int = 20) -> str:
    """Return the last `tail` lines of a container's output, both streams in order."""
    path = f"/containers/{container}/logs"
    reply = client.fetch(path, {"stdout": True, "stderr": True, "tail": tail})
    if reply.failed:
        raise reply.error("GET", path)
    return unframe(reply.body).decode("utf-8", "replace")


def unframe(data: bytes) -> bytes:
    """Join the frames of a container's output; a terminal's output has none and stays as it is."""
    parts = []
    at = 0
    while at < len(data):
        if data[at] > 2 or data[at + 1 : at + 4] != b"\0\0\0":
            return data
        size = int.from_bytes(data[at + 4 : at + _FRAME], "big")
        parts.append(data[at + _FRAME : at + _FRAME + size])
        at += _FRAME + size
    return b"".join(parts)
