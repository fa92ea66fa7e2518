"""What people do by hand to what we described is looked at, and never lost; see by_hand/orders.py.

`make test-by-hand` plays 40 orders of each; `make test` some of them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.integration.by_hand.containers import Container
from tests.integration.by_hand.machines import Machine
from tests.integration.by_hand.orders import play

ORDERS = int(os.environ.get("DOCKYARD_ORDERS", "2"))


@pytest.mark.parametrize("seed", range(ORDERS))
def test_a_container_in_any_order(
    seed: int, engine: None, tmp_path: Path, record_property: Any
) -> None:
    subject = Container(tmp_path)
    try:
        record_property("by hand", len(play(subject, seed)))
    finally:
        subject.close()


@pytest.mark.parametrize("seed", range(ORDERS))
def test_a_machine_in_any_order(
    seed: int, hypervisor: None, tmp_path: Path, record_property: Any
) -> None:
    subject = Machine(tmp_path)
    try:
        record_property("by hand", len(play(subject, seed)))
    finally:
        subject.close()
