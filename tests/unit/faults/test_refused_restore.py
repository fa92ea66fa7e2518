"""A restore that the engine refuses leaves nothing, or what it leaves is not taken for whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.volume.resource import VOLUME

from tests.lab.crafted import archive
from tests.lab.fake_engine import FakeEngine
from tests.lab.tasks import do

HALF = (
    "volume/data: refused: an earlier restore into it was interrupted, so it may hold only "
    "part of an archive; name the archive under restore again, or remove it with state: absent "
    "and destroy: "
    "data"
)


@pytest.fixture
def fake() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        engine.add_image("app:1")
        yield engine


@pytest.fixture
def tar(tmp_path: Path) -> str:
    (tmp_path / "data.tar").write_bytes(archive(("./", "folder", ""), ("./f", "file", b"x")))
    return str(tmp_path / "data.tar")


def test_a_volume_that_was_made_for_it_goes(fake: FakeEngine, tar: str) -> None:
    fake.faults.at(4, "500")  # a mark, the volume, a helper, and then the archive
    result = do(VOLUME, fake.socket_path, name="data", restore=tar)
    assert result["failed"] is True
    assert "recovery failed" not in result["msg"]
    assert (fake.names(), list(fake.volumes)) == ([], [])
    assert do(VOLUME, fake.socket_path, name="data", restore=tar)["changed"] is True
    assert (fake.names(), fake.volumes["data"]["_files"]["f"].data) == ([], b"x")


def test_one_that_was_there_is_not_taken_for_whole(fake: FakeEngine, tar: str) -> None:
    assert do(VOLUME, fake.socket_path, name="data")["changed"] is True
    fake.forget()
    fake.faults.at(4, "500")  # a helper to look, its removal, a helper, and then the archive
    assert do(VOLUME, fake.socket_path, name="data", restore=tar)["failed"] is True
    for check in (True, False):
        fake.forget()
        result = do(VOLUME, fake.socket_path, name="data", check=check)
        assert (result["msg"], fake.writes) == (HALF, [])
    assert do(VOLUME, fake.socket_path, name="data", restore=tar)["changed"] is True
    assert do(VOLUME, fake.socket_path, name="data")["changed"] is False
    assert fake.names() == []


def test_a_removal_by_name_clears_what_is_half(fake: FakeEngine, tar: str) -> None:
    do(VOLUME, fake.socket_path, name="data")
    fake.forget()
    fake.faults.at(4, "500")
    do(VOLUME, fake.socket_path, name="data", restore=tar)
    result = do(VOLUME, fake.socket_path, name="data", state="absent", destroy="data")
    assert result["changed"] is True
    assert (fake.names(), list(fake.volumes)) == ([], [])
