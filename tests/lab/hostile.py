"""What hostile or broken ones may send and be called: names and answers, made at random."""

from __future__ import annotations

import json
import random
from typing import Any, Iterator, Optional, Tuple

from .fake_engine import FakeEngine
from .serving import Request, Response

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


# What may stand where something else is expected.
_VALUES: Tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 10**30, "", "x", "\ud800", "\x1b]0;x\x07", "../..", "\0"),
    *([], {}, [None], [[]], [{}], {"": None}, {"Id": 5}, ["a"] * 3, "9" * 400, [1, "a", {}]),
)


class Mutant:
    """What an engine answers, with one or two values in it exchanged at random."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def body(self, body: bytes) -> bytes:
        """Return another body: other values, other syntax, or cut short."""
        way = self._chance.random()
        try:
            value = json.loads(body)
        except ValueError:
            return body
        if way < 0.05:
            return body[: self._chance.randrange(len(body) + 1)]
        if way < 0.08:
            return b"[" * 100_000
        for _turn in range(self._chance.choice((1, 1, 2))):
            value = self._other(value)
        return json.dumps(value).encode()

    def _other(self, value: Any) -> Any:
        if self._chance.random() < 0.15 or not value or not isinstance(value, (dict, list)):
            return self._chance.choice(_VALUES)
        made: Any = dict(value) if isinstance(value, dict) else list(value)
        key = self._chance.choice(list(made) if isinstance(made, dict) else range(len(made)))
        if self._chance.random() < 0.1:
            del made[key]
        else:
            made[key] = self._other(made[key])
        return made


class HostileEngine(FakeEngine):
    """A fake engine that exchanges parts of some of its answers while `mutant` is set."""

    mutant: Optional[Mutant] = None
    chance = random.Random(1)
    spoilt = 0

    def answer(self, request: Request) -> Response:
        """Answer as the fake, then spoil it."""
        response = super().answer(request)
        if self.mutant is None or response.stream is not None or request.path == "/_ping":
            return response
        if self.chance.random() < 0.6:
            self.spoilt += 1
            response.body = self.mutant.body(response.body)
        return response
