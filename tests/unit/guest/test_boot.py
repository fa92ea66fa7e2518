"""The initial file system of the demonstration's guest, read as the kernel reads it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def boot() -> ModuleType:
    spec = importlib.util.spec_from_file_location("boot", ROOT / "playbooks/files/guest/boot.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with a kernel whose ext4 needs two modules and whose virtio_pci is built in."""
    root = tmp_path / "root"
    modules = root / "lib/modules/6.1.0-1-cloud-amd64"
    modules.mkdir(parents=True)
    (modules / "modules.dep").write_text(
        "blk/virtio_blk.ko:\nfs/ext4.ko: fs/jbd2.ko lib/crc16.ko\n"
    )
    for path in ("blk/virtio_blk.ko", "fs/ext4.ko", "fs/jbd2.ko", "lib/crc16.ko"):
        (modules / path).parent.mkdir(exist_ok=True)
        (modules / path).write_text(path)
    for path, content in (("bin/busybox", "box"), ("boot/vmlinuz-6.1.0-1-cloud-amd64", "kernel")):
        (root / path).parent.mkdir()
        (root / path).write_text(content)
    return root


def members(archive: bytes) -> dict[str, tuple[int, bytes]]:
    """Return mode and content by name; "newc": magic, 13 fields of 8 hex digits, name, content."""
    found, place = {}, 0
    while True:
        assert archive[place : place + 6] == b"070701"
        fields = [int(archive[place + 6 + 8 * n : place + 14 + 8 * n], 16) for n in range(13)]
        name = archive[place + 110 : place + 110 + fields[11] - 1].decode()
        begin = (place + 110 + fields[11] + 3) // 4 * 4
        if name == "TRAILER!!!":
            return found
        found[name] = (fields[1], archive[begin : begin + fields[6]])
        place = (begin + fields[6] + 3) // 4 * 4


def test_the_initial_file_system_mounts_the_disk(
    boot: ModuleType, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["boot.py", str(root), str(tmp_path)])
    boot.main()
    assert (tmp_path / "vmlinuz").read_text() == "kernel"
    found = members((tmp_path / "initrd.img").read_bytes())
    assert found["bin/busybox"] == (0o100755, b"box")
    assert found["bin/sh"] == (0o120777, b"busybox")
    assert found["ext4.ko"] == (0o100644, b"fs/ext4.ko")
    mode, init = found["init"]
    assert mode == 0o100755
    # what a module needs is loaded before it
    assert b"for module in virtio_blk.ko crc16.ko jbd2.ko ext4.ko;" in init
    assert all(f"bin/{word}" in found for word in ("mount", "insmod", "usleep", "switch_root"))
