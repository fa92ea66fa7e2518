"""Machines that do not come up, on the real libvirt: one clear error, and all as it was before.

They have no operating system, but for a kernel that finds no root.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.lab import guests
from tests.lab.hostcore import run
from tests.lab.hostwork import binding

URI = "qemu:///system"
# Below it QEMU's user finds what a machine boots; a test's own folder is closed to others.
FOLDER = Path("/var/lib/libvirt/dockyard-ready")
PANIC = "VFS: Unable to mount root fs on unknown-block(0,0)"
FULL = "the pool dockyard-ready-small is full: free some space and run again"
# Longer than any test may take: whoever waits that long has not seen what happened.
NEVER = {"wait_timeout": "10m", "stop_grace_period": "10m"}


class Lab:
    """The real libvirt, with two pools of this test's own: a large one and one of 2 MiB."""

    def __init__(self) -> None:
        self.lib = binding()
        self.connection = self.lib.open(URI)
        self.pools: list[Any] = []
        FOLDER.mkdir(mode=0o711)
        self._pool("large", "64m")
        self.small = self._pool("small", "2m")

    def _pool(self, name: str, size: str) -> Path:
        path = FOLDER / name
        path.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0711", "tmpfs", str(path)]
        subprocess.run(mount, check=True)
        target = f"<target><path>{path}</path></target>"
        document = f"<pool type='dir'><name>dockyard-ready-{name}</name>{target}</pool>"
        pool = self.connection.storagePoolDefineXML(document)
        pool.create(0)
        self.pools.append(pool)
        return path

    def close(self) -> None:
        """Take away what this test made."""
        for domain in map(self.connection.lookupByName, self.machines()):
            if domain.isActive():
                domain.destroy()
            domain.undefine()
        for pool in self.pools:
            pool.destroy()
            pool.undefine()
            subprocess.run(["umount", str(FOLDER / pool.name().rpartition("-")[2])], check=True)
        shutil.rmtree(FOLDER)

    def machines(self) -> list[str]:
        names = [domain.name() for domain in self.connection.listAllDomains()]
        return sorted(name for name in names if name.startswith("dockyard-ready-"))

    def volumes(self) -> list[str]:
        for pool in self.pools:
            pool.refresh(0)
        return sorted(one.name() for pool in self.pools for one in pool.listAllVolumes())

    def fails(self, name: str, **params: Any) -> dict[str, Any]:
        """Run the task of a machine that fails, and that must leave everything as it was."""
        before = self.machines(), self.volumes()
        result = run(machine(name, **params), URI).result
        assert result.get("failed"), result
        print(result["msg"])
        assert (self.machines(), self.volumes()) == before
        return result


def machine(name: str, **params: Any) -> dict[str, Any]:
    """Return the task of a machine that runs without an operating system."""
    small = {"memory": "32MiB", "stop_grace_period": "0s"}
    return {"name": f"dockyard-ready-{name}", **small, **params}


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    made = Lab()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def panicking() -> dict[str, Any]:
    """Return the options of a machine whose kernel finds nothing to mount."""
    shutil.copy(guests.kernel(), FOLDER / "vmlinuz")
    (FOLDER / "vmlinuz").chmod(0o644)
    return {"kernel": str(FOLDER / "vmlinuz"), "cmdline": "console=ttyS0", "memory": "192MiB"}


def test_a_kernel_that_panics_ends_the_wait_at_once(lab: Lab, panicking: dict[str, Any]) -> None:
    settled = machine("panic", networks=["default"], state="stopped")
    made = run(settled, URI).result["vm"]
    result = lab.fails("panic", networks=["default"], wait="address", **panicking, **NEVER)
    said = f"vm/{settled['name']}: waiting for address: its kernel panicked: {PANIC}; "
    assert result["msg"].startswith(f"{said}the console's last words: ")
    assert result["rung"] == "address"
    assert [step["rung"] for step in result["ready"]] == ["running"]
    assert [line for line in result["console"] if "Kernel panic" in line or "Call Trace" in line]
    again = run(settled, URI).result
    assert (again["changed"], again["vm"]) == (False, made)


def test_after_a_restart_that_fails_the_former_settings_run(lab: Lab) -> None:
    settled = machine("again")
    made = run(settled, URI).result["vm"]
    change = {"allow": ["live", "restart"], "memory": "48MiB", "kernel": "/nowhere/vmlinuz"}
    result = lab.fails("again", **change)
    assert "the machine cannot start: " in result["msg"]
    assert "/nowhere/vmlinuz" in result["msg"]
    again = run(settled, URI).result
    assert (again["changed"], again["vm"]) == (False, made)
    running = ET.fromstring(lab.connection.lookupByName(settled["name"]).XMLDesc(0))
    assert (running.findtext("memory"), running.find("os/kernel")) == ("32768", None)


def test_a_machine_that_never_gets_an_address(lab: Lab) -> None:
    result = lab.fails("mute", networks=["default"], wait="address", wait_timeout="1s")
    assert result["msg"] == (
        "vm/dockyard-ready-mute: waiting for address: no lease, no answer from the agent, "
        "nothing in ARP within 1s; the console is empty"
    )


def test_a_machine_that_switches_itself_off(lab: Lab) -> None:
    image = guests.boot_disk(FOLDER / "large", "off.qcow2", guests.SWITCHES_OFF)
    disks = [{"pool": "dockyard-ready-large", "image": image.name}]
    result = lab.fails("off", disks=disks, networks=["default"], wait="address", **NEVER)
    assert "waiting for address: the machine stopped: its guest switched it off;" in result["msg"]


def test_a_pool_that_a_running_machine_fills(lab: Lab) -> None:
    image = guests.boot_disk(lab.small, "fill.qcow2", guests.FILLS_ITS_DISK)
    disks = [{"pool": "dockyard-ready-small", "image": image.name, "size": "64MiB"}]
    result = lab.fails("fill", disks=disks, networks=["default"], wait="address", **NEVER)
    said = "the machine is paused: no space is left in the pool of its disk vda"
    assert f"waiting for address: {said};" in result["msg"]


def test_a_pool_without_room_for_a_disk(lab: Lab) -> None:
    with full(lab.small):
        result = lab.fails("none", disks=[{"size": "1MiB", "pool": "dockyard-ready-small"}])
    said = "vm/dockyard-ready-none: cannot create the volume dockyard-ready-none-root.qcow2: "
    assert result["msg"].startswith(said)
    assert result["msg"].endswith(FULL)


def test_a_pool_without_room_for_the_seed_of_a_machine_that_is_there(lab: Lab) -> None:
    task = machine("seedless", disks=[{"size": "1MiB", "pool": "dockyard-ready-small"}])
    made = run(task, URI).result["vm"]
    with full(lab.small):
        result = lab.fails("seedless", disks=task["disks"], cloud_init={"hostname": "seedless"})
    assert result["msg"].endswith(FULL)
    again = run(task, URI).result
    assert again["changed"] is False
    assert again["vm"] == made
    # It can still start: what the failed run had added to it is gone.
    assert not run({**task, "state": "stopped"}, URI).result.get("failed")
    assert not run(task, URI).result.get("failed")


@contextlib.contextmanager
def full(folder: Path) -> Iterator[None]:
    """Leave no room in a file system."""
    hog = folder / "hog"
    hog.write_bytes(bytes(shutil.disk_usage(folder).free))
    try:
        yield
    finally:
        hog.unlink()
