"""Every option of a container on a real engine: created, changed, seen in effect, dropped."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client import EngineError
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container_fields import FIELDS

from tests.lab.engines import Engine
from tests.lab.fieldwork import Field, entries, groups

# `make test-engines` asks for all of them.
ENGINES = os.environ.get("FLEET_ENGINES", "d20 d28").split()


@pytest.fixture(scope="module", params=ENGINES)
def ground(request: pytest.FixtureRequest, engine_of: Callable[[str], Engine]) -> Iterator[Field]:
    with Field(engine_of(request.param).socket) as made:
        yield made


def test_every_row_on_the_engine(ground: Field, subtests: Any, record_property: Any) -> None:
    honoured = ground.honoured()
    for group in groups(honoured, ground.impacts):
        with subtests.test(rows=", ".join(entry.row for entry in group)):
            ground.play(group)
    record_property("rows", len({entry.row for entry in honoured}))


def test_every_row_has_an_entry() -> None:
    missing = {row.name for row in FIELDS} - {entry.row for entry in entries()}
    assert sorted(missing) == []


def test_entries_without_an_effect_say_why() -> None:
    silent = [e.row for e in entries() if not e.inside and not e.unseen]
    assert silent == []


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
