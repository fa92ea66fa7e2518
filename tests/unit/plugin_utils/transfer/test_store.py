"""What has come of images, for all hosts of a run: whole, verified, and within bounds."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import FleetError
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.contents import digest_of
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.tar.reader import BadArchive
from ansible_collections.dockyard.fleet.plugins.plugin_utils.transfer.store import Store


def blobs(folder: Path) -> int:
    return sum(name.endswith(".blob") for name in os.listdir(folder))


def test_a_blob_is_kept_under_its_digest_for_every_process(tmp_path: Path) -> None:
    digest = digest_of(b"layer")
    assert Store(str(tmp_path)).open(digest) is None
    assert Store(str(tmp_path)).keep([b"lay", b"er"], 5, digest) == digest
    file = Store(str(tmp_path)).open(digest)
    assert file is not None
    with file:
        assert file.read() == b"layer"


def test_another_blob_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(BadArchive, match="what came for sha256:"):
        Store(str(tmp_path)).keep([b"other"], 5, digest_of(b"layer"))
    assert os.listdir(tmp_path) == []


def test_what_was_used_least_recently_goes_but_stays_readable(tmp_path: Path) -> None:
    store = Store(str(tmp_path), most=10)
    for number, data in enumerate((b"1111", b"2222")):
        digest = store.keep([data], 4)
        for entry in os.scandir(tmp_path):
            if number == 0:
                os.utime(entry.path, (1, 1))
    first = store.open(digest_of(b"1111"))
    assert first is not None  # by which it counts as used
    store.keep([b"3333"], 4)
    assert store.open(digest_of(b"2222")) is None
    store.keep([b"4" * 10], 10)
    assert blobs(tmp_path) == 1
    with first:
        assert first.read() == b"1111"
    assert digest


def test_a_disk_without_room_is_told_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _path: type("Usage", (), {"free": 1 << 20}))
    with pytest.raises(FleetError, match=r"a layer of 512 MiB does not fit on this machine"):
        Store(str(tmp_path)).keep(iter(()), 512 << 20)


def test_notes_are_whole_or_not_there(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    assert store.noted("image") is None
    store.note("image", {"a": [1]})
    assert Store(str(tmp_path)).noted("image") == {"a": [1]}


def test_one_reads_while_others_wait(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    order = []
    with store.turn("image"):
        other = threading.Thread(target=lambda: _second(store, order))
        other.start()
        with store.turn("another image"):
            order.append("first")
    other.join(30)
    assert order == ["first", "second"]


def _second(store: Store, order: list[str]) -> None:
    with store.turn("image"):
        order.append("second")
