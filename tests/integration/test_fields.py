"""Every option of a container on a real engine: created, changed, seen in effect, dropped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container_fields import FIELDS

from tests.lab.fieldwork import Field, entries, groups

SOCKETS = ["/var/run/docker.sock"]


@pytest.fixture(scope="module", params=SOCKETS)
def engine_socket(request: pytest.FixtureRequest) -> str:
    """Return the socket of an engine."""
    return str(request.param)


@pytest.fixture(scope="module")
def ground(engine_socket: str) -> Iterator[Field]:
    with Field(engine_socket) as made:
        yield made


def test_every_row_on_the_engine(ground: Field, subtests: Any, record_property: Any) -> None:
    honoured = [entry for entry in entries() if ground.honours(entry)]
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
