"""Pairs of what is there and what is declared, on a real engine."""

from __future__ import annotations

import collections
from concurrent.futures import ThreadPoolExecutor
from typing import Callable

from tests.lab import pairs
from tests.lab.amounts import amount
from tests.lab.engines import Engine
from tests.lab.fieldtable import Params
from tests.lab.fieldwork import Field
from tests.lab.front import Front
from tests.lab.ground import COMMAND
from tests.lab.proxy import Proxy
from tests.lab.specs import Pair, Specs

COUNT = amount(40, 100)
WORKERS = 2
SEED = 7


class Yard:
    """A field whose engine is asked through a proxy, which records and fails."""

    def __init__(self, field: Field, proxy: Proxy) -> None:
        self.server = proxy
        self.front = Front(proxy.socket_path)
        self.client = field.client
        self._field = field
        self._first = True

    def retag(self) -> None:
        """Let the name of the first image mean another one from now on."""
        self._first = not self._first
        other = "dev/busybox:1" if self._first else self._field.names["image2"]
        name, _colon, tag = self._field.names["image1"].partition(":")
        self.client.post(f"/images/{other}/tag", {"repo": name, "tag": tag})


def played(engine: Engine, worker: int, became: collections.Counter[str]) -> list[str]:
    """Play a worker's share of the pairs; return what went wrong."""
    with Field(engine.socket) as field, Proxy(engine.socket) as proxy:
        able = [entry for entry in field.honoured() if entry.runs]
        images = [field.names["image1"], field.names["image2"]]
        specs = Specs(SEED + worker, able, field.names, images)
        drawn = (running(specs.pair(number)) for number in range(COUNT // WORKERS))
        return pairs.play_all(Yard(field, proxy), drawn, f"{field.prefix}-box", became)


def running(pair: Pair) -> Pair:
    """Give a pair something to run, even where the entrypoint takes the image's command away.

    No registry has the images, so a pull could only fail.
    """
    for spec in (pair.observed, pair.aside, pair.declared):
        spec.pop("pull_policy", None)
        given: Params = {"command": COMMAND, "wait": "none", **spec}
        spec.update(given)
    return pair


def test_apply_does_what_check_announced(
    engine_of: Callable[[str], Engine], record_property: Callable[[str, object], None]
) -> None:
    engine = engine_of("d28")
    became: collections.Counter[str] = collections.Counter()
    with ThreadPoolExecutor(WORKERS) as pool:
        shares = list(pool.map(lambda n: played(engine, n, became), range(WORKERS)))
    wrong = [one for share in shares for one in share]
    print(f"{COUNT} pairs: {dict(became)}")
    assert not wrong, f"{len(wrong)} pairs:\n" + "\n".join(wrong[:5])
    assert became["changed"] > COUNT / 2
    record_property("pairs", dict(became))
