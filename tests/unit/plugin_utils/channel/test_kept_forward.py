"""Forwards that are left for later tasks: made at the same time for many hosts."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired import lock as locks
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.address import Address
from ansible_collections.dockyard.fleet.plugins.plugin_utils.channel.kept_forward import Kept


class Watched(Kept):
    """A forward whose establishing is the work of `establish`, and which stands afterwards."""

    establish: Any
    stands = False

    def _release(self) -> None:
        pass

    def _establish(self) -> None:
        type(self).establish()
        self.stands = True

    def _proven(self) -> bool:
        return self.stands


@pytest.fixture(autouse=True)
def _own_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "folder", lambda: str(tmp_path / "locks"))


def opened(folder: Path, *names: str) -> list[Watched]:
    with ThreadPoolExecutor(len(names)) as pool:
        places = [str(folder / "fleet" / name) for name in names]
        return list(pool.map(lambda place: Watched(place, Any, Address(), 5), places))


def test_forwards_of_two_hosts_are_made_at_the_same_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = threading.Barrier(2, timeout=20)  # broken if one waits for the other
    monkeypatch.setattr(Watched, "establish", staticmethod(both.wait), raising=False)
    assert all(forward.stands for forward in opened(tmp_path, "one", "two"))


def test_the_same_forward_is_made_by_one_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = threading.Lock()
    alone = []

    def establish() -> None:
        alone.append(busy.acquire(blocking=False))
        threading.Event().wait(0.05)  # for the other to come, if it may
        busy.release()

    monkeypatch.setattr(Watched, "establish", staticmethod(establish), raising=False)
    opened(tmp_path, "same", "same")
    assert alone == [True, True]
