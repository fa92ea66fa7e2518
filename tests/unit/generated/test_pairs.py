"""Pairs of what is there and what is declared: apply does what check announced."""

from __future__ import annotations

import collections
from typing import Any, Callable, Iterator

import pytest

from tests.lab import pairs
from tests.lab.amounts import amount
from tests.lab.fake_engine import FakeEngine
from tests.lab.fieldtable import honoured
from tests.lab.front import Front
from tests.lab.specs import Specs

COUNT = amount(250, 1_000)
SEED = 2
NAMES = {
    "peer": "peer",
    "net": "net",
    "prefix": "vol",
    "image1": "app:1",
    "image2": "app:2",
    "device": "/dev/vda",
}


class Yard:
    """A fake engine with two images, which a registry has as well, a network and a container."""

    def __init__(self, fake: FakeEngine) -> None:
        self.server = self._fake = fake
        self._releases = 2
        for number in "12":
            options: dict[str, Any] = {
                "env": {"RELEASE": number},
                "volumes": ["/data"],
                "cmd": ["serve"],
            }
            fake.add_image(f"app:{number}", **options)
            fake.registry[f"app:{number}"] = options
        self.front = Front(fake.socket_path)
        self.client = self.front.client
        self.client.post("/networks/create", None, {"Name": "net"})
        assert self.front.run({"name": "peer", "image": "app:1"})["changed"]

    def retag(self) -> None:
        """Let the name of an image mean another one from now on."""
        self._releases += 1
        self._fake.add_image("app:1", env={"RELEASE": str(self._releases)}, volumes=["/data"])


@pytest.fixture
def yard() -> Iterator[Yard]:
    with FakeEngine() as fake:
        yield Yard(fake)


def test_apply_does_what_check_announced(
    yard: Yard, record_property: Callable[[str, object], None]
) -> None:
    specs = Specs(SEED, honoured((1, 41), "docker"), NAMES, ["app:1", "app:2"])
    became: collections.Counter[str] = collections.Counter()
    drawn = (specs.pair(number) for number in range(COUNT))
    wrong = pairs.play_all(yard, drawn, "web", became)
    print(f"{COUNT} pairs: {dict(became)}")
    assert not wrong, f"{len(wrong)} pairs:\n" + "\n".join(wrong[:10])
    assert became["changed"] > COUNT / 2
    record_property("pairs", dict(became))
