"""The program that reads an archive beside the sender's engine, run by a shell of this machine."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.parse_address import (
    parse_address,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.tar.reader import BadArchive
from ansible_collections.dockyard.fleet.plugins.plugin_utils.channel.probe import Blocked
from ansible_collections.dockyard.fleet.plugins.plugin_utils.transfer.filter import Filter, _row

from tests.lab.fake_engine import FakeEngine

BIG = "x" * 300_000


@pytest.fixture
def fake() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        engine.add_image("app:1", layers=["base", BIG])
        yield engine


def reader(fake: FakeEngine) -> Filter:
    return Filter(None, None, None, parse_address(f"unix://{fake.socket_path}", "engine_host"), 10)


def read(made: Filter, target: str, *names: str) -> dict[str, tuple[int, bytes]]:
    try:
        return {
            member.name: (member.size, content.read())
            for member, content in made.files(target, names, not names, 10)
        }
    finally:
        made.close()


def test_documents_come_and_layers_are_only_counted(fake: FakeEngine) -> None:
    files = read(reader(fake), "/images/app:1/get")
    sizes = {name.rpartition("/")[2]: size for name, (size, _data) in files.items()}
    assert sizes["layer.tar"] == len(BIG)
    assert json.loads(files["manifest.json"][1])[0]["RepoTags"] == ["app:1"]
    assert [data for name, (_size, data) in files.items() if name.endswith(".tar")] == [b"", b""]


def test_a_layer_comes_that_is_asked_for(fake: FakeEngine) -> None:
    name = f"{1:064d}/layer.tar"
    files = read(reader(fake), "/images/app:1/get", name)
    assert files[name] == (len(BIG), BIG.encode())
    assert {data for other, (_size, data) in files.items() if other != name} == {b""}


def test_an_engine_that_refuses_is_told(fake: FakeEngine) -> None:
    with pytest.raises(BadArchive, match="it ends early: the engine answered 404"):
        read(reader(fake), "/images/none:1/get")


@pytest.mark.parametrize("kind", ["drop-after", "500"])
def test_an_archive_that_is_cut_is_no_archive(fake: FakeEngine, kind: str) -> None:
    fake.faults.reset("all")
    fake.faults.at(1, kind)
    with pytest.raises(BadArchive):
        read(reader(fake), "/images/app:1/get")


def test_a_host_without_python_blocks(
    fake: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for tool in ("sh", "id", "ls"):
        os.symlink(shutil.which(tool) or tool, tmp_path / tool)
    monkeypatch.setenv("PATH", str(tmp_path))
    made = reader(fake)
    with pytest.raises(Blocked, match="has none of python3 that works"):
        read(made, "/images/app:1/get")


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[",
        b"{}\n",
        b'["name", 1]\n',
        b'["name", 1, 2]\n',
        b'["name", -1, 0]\n',
        b'["name", true, true]\n',
        b"[1, 1, 1]\n",
        b'["name", 1, 1, 1]\n',
        b'["' + b"n" * 400 + b'", 1, 1]\n',
    ],
)
def test_what_a_host_prints_is_not_believed(line: bytes) -> None:
    with pytest.raises(BadArchive):
        _row(io.BytesIO(line))
