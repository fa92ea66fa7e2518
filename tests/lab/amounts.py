"""How much of a wide test is done: a part in `make test`, all of it in `make test-hostile`."""

from __future__ import annotations

import os


def amount(part: int, whole: int) -> int:
    """Return `whole` where FLEET_HOSTILE=all asks for it, else `part`."""
    return whole if os.environ.get("FLEET_HOSTILE") == "all" else part
