"""What hostile or broken ones may send and be called: names and answers, made at random."""

from __future__ import annotations

import random
from typing import Iterator

_PARTS = (
    *("web", "app:1", "db", "..", ".", "/", "//", "%2e%2e", "%00", "\0", "\n", "\r\n", " "),
    *("?x=1", "#", "\\", "'", '"', "$(id)", "`id`", "\ud800", "\udfff", "\u202e", "é", "漢字"),
    *("{}", "{0}", "%s", "@", ":", "sha256:", "-", "--help", "_", "json", "\x1b[2J", "\t", "\x7f"),
    *("a" * 64, "0" * 64, "f" * 12, "x" * 300, "😀", "container:", "service:", "host", "none"),
)


def names(count: int, seed: int = 12) -> Iterator[str]:
    """Yield texts that somebody may give as a name."""
    chance = random.Random(seed)
    for _number in range(count):
        yield "".join(chance.choice(_PARTS) for _part in range(chance.randint(0, 4)))
