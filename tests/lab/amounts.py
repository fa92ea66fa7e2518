"""How much of a wide test is done: a part in `make test`, all of it by a target of its own.

`make test-hostile` sets FLEET_HOSTILE, `make test-target` FLEET_VIA.
"""

from __future__ import annotations

import os


def amount(part: int, whole: int) -> int:
    """Return `whole` where FLEET_HOSTILE=all asks for it, else `part`."""
    return whole if os.environ.get("FLEET_HOSTILE") == "all" else part


def ways(usual: str = "channel") -> list[str]:
    """Return by which ways a test reaches the engine: both where FLEET_VIA=all asks for it."""
    return ["channel", "target"] if os.environ.get("FLEET_VIA") == "all" else [usual]
