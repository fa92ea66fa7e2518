"""Which layers a receiver has, and what asking for them may cost."""

from __future__ import annotations

from typing import Any, List

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.layers_there import (
    PARTIAL,
    count_there,
    shared,
    sizes_of,
)

from tests.lab.fake_engine import FakeEngine
from tests.lab.fake_layers import digest

MIB = 1 << 20


@pytest.mark.parametrize(
    ("wanted", "others", "count"),
    [
        ("abc", [], 0),
        ("abc", ["ab", "x", "abd"], 2),
        ("abc", ["abcd"], 3),
        ("abc", ["bc", "cab"], 0),
        ("", ["a"], 0),
    ],
)
def test_layers_count_with_all_below_them(wanted: str, others: List[str], count: int) -> None:
    assert shared(wanted, others) == count


@pytest.mark.parametrize(
    ("history", "sizes"),
    [
        ([{"Size": 3}, {"Size": 0}, {"Size": 2}], (2, 3)),
        ([{"Size": 3}], ()),
        ([{"Size": 3}, {"Size": 2}, {"Size": 1}], ()),
        (None, ()),
    ],
)
def test_sizes_are_told_where_they_are_certain(history: Any, sizes: Any) -> None:
    assert sizes_of(history, ["a", "b"]) == sizes


def count(fake: FakeEngine, layers: List[str], sizes: List[int]) -> int:
    image = {"Id": "sha256:" + "1" * 64, "Size": sum(sizes)}
    image["RootFS"] = {"Layers": [digest(layer.encode()) for layer in layers]}
    with Client(unix_dial(fake.socket_path), 5) as client:
        return count_there(client, "shop/app:2", image, sizes)


def test_others_are_asked_about_as_long_as_that_is_worth_it() -> None:
    with FakeEngine() as fake:
        fake.faults.reset("all")
        fake.add_image("shop/app:1", layers=["base", "one"])
        for number in range(30):
            fake.add_image(f"side/{number}:1", layers=["base", "more", str(number)])
        assert count(fake, ["base", "more", "two"], [MIB, MIB, 1]) == 1
        few = fake.faults.count
        assert few < 8
        assert count(fake, ["base", "more", "two"], [MIB, 64 * MIB, 1]) == 2
        assert fake.faults.count > few + 25


def test_what_an_earlier_transfer_has_left_is_seen() -> None:
    with FakeEngine() as fake:
        part = {PARTIAL: "sha256:" + "1" * 64}
        fake.add_image("left:1", layers=["base", "more"], labels=part)
        assert count(fake, ["base", "more", "two"], [1, 1, 1]) == 2
        other = {PARTIAL: "sha256:" + "2" * 64}
        fake.add_image("left:1", layers=["base", "more"], labels=other)
        assert count(fake, ["base", "more", "three"], [1, 1, 1]) == 2
