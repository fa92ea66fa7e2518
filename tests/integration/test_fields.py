"""Every option of a container, a network and a volume on a real engine.

It is created with, changed, seen in effect and dropped, each time as check announced it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.errors import (
    EngineError,
)

from tests.lab.engines import Engine
from tests.lab.fieldnetvol import NetworkField, VolumeField
from tests.lab.fieldtable import ROWS, entries, groups
from tests.lab.fieldwork import Field

# `make test-engines` asks for all of them.
ENGINES = os.environ.get("FLEET_ENGINES", "d28").split()


@pytest.fixture(scope="module", params=ENGINES)
def ground(request: pytest.FixtureRequest, engine_of: Callable[[str], Engine]) -> Iterator[Field]:
    with Field(engine_of(request.param).socket) as made:
        yield made


def test_every_row_on_the_engine(ground: Field, subtests: Any, record_property: Any) -> None:
    record_property("rows", played(ground, subtests))


@pytest.mark.parametrize("kind", [NetworkField, VolumeField], ids=lambda kind: kind.resource)
def test_every_row_of_networks_and_volumes(
    kind: Any, ground: Field, subtests: Any, record_property: Any
) -> None:
    with kind(ground.socket_path) as other:
        record_property("rows", played(other, subtests))


def played(ground: Any, subtests: Any) -> int:
    """Play all rows that an engine can have, and return how many they are."""
    honoured = ground.honoured()
    for group in groups(honoured, ground.impacts):
        with subtests.test(rows=", ".join(entry.row for entry in group)):
            ground.play(group)
    return len({entry.row for entry in honoured})


@pytest.mark.parametrize("resource", ROWS)
def test_every_row_has_an_entry(resource: str) -> None:
    missing = {row.name for row in ROWS[resource]} - {entry.row for entry in entries(resource)}
    assert sorted(missing) == []


@pytest.mark.parametrize("resource", ROWS)
def test_entries_without_an_effect_say_why(resource: str) -> None:
    silent = [e.row for e in entries(resource) if not e.inside and not e.unseen]
    assert silent == []


def test_a_fixed_mac_address_stays_or_forbids_the_replacement(ground: Field) -> None:
    """Docker since API 1.44 gives it at a container's creation only, so it is not taken away."""
    mac, box = "02:42:0a:0b:0c:0d", f"{ground.prefix}-fixed"
    with NetworkField(ground.socket_path) as networks:
        name = f"{networks.prefix}-fixed"
        networks.run({"name": name})
        try:
            ground.run({"name": box, "networks": {name: {"mac_address": mac}}})
            result = networks.attempt({"name": name, "labels": {"team": "shop"}})
            if ground.client.kind == "docker" and ground.client.api >= (1, 44):
                assert f"{box} has the fixed MAC address {mac}, which this engine" in result["msg"]
            else:
                assert result["replaced"]
            assert ground.inspect(box)["NetworkSettings"]["Networks"][name]["MacAddress"] == mac
            again = ground.run({"name": box, "networks": {name: {"mac_address": mac}}})
            assert not again["changed"], again["plan"]["text"]
        finally:
            ground.clear(box)
            networks.clear(name)


def test_a_setting_that_the_kernel_lacks_is_an_error(ground: Field) -> None:
    """Docker only warns, and creates the container without it."""
    if ground.client.kind != "docker":
        pytest.skip("Podman refuses it by itself")
    if Path("/sys/fs/cgroup/blkio/blkio.weight").exists():
        pytest.skip("this kernel has weights of block devices")
    name = f"{ground.prefix}-weight"
    with pytest.raises(AssertionError, match=r"the engine drops a setting: .* Weight discarded"):
        ground.run({"name": name, "blkio_config": {"weight": 300}})
    with pytest.raises(EngineError, match="No such container"):
        ground.inspect(name)
