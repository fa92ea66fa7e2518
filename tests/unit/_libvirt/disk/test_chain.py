"""What a disk stands on, and where it is plugged in."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.disk.chain import files_of
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.disk.names import (
    alias_of,
    name_in,
)

from tests.lab.hostwork import HostBench
from tests.unit._libvirt.pools import Pools


@pytest.fixture
def bench() -> Iterator[HostBench]:
    with HostBench({}) as made:
        made.prepare()
        yield made


def qcow2(path: Path, backing: str, offset: int = 512) -> Path:
    """Write the head of a qcow2 file that is backed by another."""
    name = backing.encode()
    head = b"QFI\xfb" + struct.pack(">IQI", 3, offset, len(name))
    path.write_bytes(head.ljust(offset, b"\0") + name)
    return path


def chain(path: Path, kind: str = "qcow2") -> list[str]:
    text = f"<disk><driver type='{kind}'/><source file='{path}'/></disk>"
    return [one.path for one in files_of(Pools(), ET.fromstring(text))]


def test_the_files_below_one_in_no_pool_are_those_that_it_names(tmp_path: Path) -> None:
    base = tmp_path / "base"
    base.write_bytes(b"")
    top = qcow2(tmp_path / "top", "base")
    assert chain(top) == [str(top), str(base)]


def test_a_raw_file_is_never_asked_for_what_is_below_it(tmp_path: Path) -> None:
    # A guest writes what it likes to the beginning of its disk.
    top = qcow2(tmp_path / "top", "/etc/shadow")
    assert chain(top, "raw") == [str(top)]


@pytest.mark.parametrize("backing", ["top", "nbd://192.0.2.1/x", "json:{}", "x" * 2000])
def test_a_chain_ends(backing: str, tmp_path: Path) -> None:
    top = qcow2(tmp_path / "top", backing)
    assert chain(top) == [str(top)]


def test_what_is_no_file_is_not_opened_for_long(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "top")
    assert chain(tmp_path / "top") == [str(tmp_path / "top")]


def test_a_chain_without_end_is_looked_at_to_a_bound(tmp_path: Path) -> None:
    text = f"<disk><driver type='qcow2'/><source file='{tmp_path}/0'/>"
    for number in range(1, 500):
        text += f"<backingStore><format type='qcow2'/><source file='{tmp_path}/{number}'/>"
    text += "</backingStore>" * 499 + "</disk>"
    assert len(files_of(Pools(), ET.fromstring(text))) == 64


@pytest.mark.parametrize("name", ["root", "a.b", "a_db", "a_.d-1", "a__b"])
def test_an_alias_tells_its_disk_apart_from_all_others(name: str) -> None:
    # libvirt 9.0 takes these characters (USER_ALIAS_CHARS).
    assert re.fullmatch("ua-[A-Za-z0-9_-]+", alias_of(name))
    assert name_in(alias_of(name)) == name


@pytest.mark.parametrize(("count", "controllers"), [(1, 1), (7, 1), (8, 2), (15, 3)])
def test_every_scsi_disk_has_a_controller_that_cloud_kernels_drive(
    count: int, controllers: int, bench: HostBench
) -> None:
    disks = [{"name": f"d{number}", "size": "1MiB", "bus": "scsi"} for number in range(count)]
    bench.run({"name": "web01", "memory": "256MiB", "disks": disks, "state": "stopped"})
    root = ET.fromstring(bench.keeper.lookupByName("web01").XMLDesc(0))
    found = [one.get("model") for one in root.findall("devices/controller[@type='scsi']")]
    assert found == ["virtio-scsi"] * controllers
