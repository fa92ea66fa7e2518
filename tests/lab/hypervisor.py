"""A libvirt for the tests: the machine's own if it runs, else one that ends with the session."""

from __future__ import annotations

import grp
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

URI = "qemu:///system"
POOL = "/var/lib/libvirt/images"
DEFAULT_NETWORK = Path("/usr/share/libvirt/networks/default.xml")


def virsh(*words: str) -> subprocess.CompletedProcess[str]:
    """Run virsh and return what it said."""
    command = ["virsh", "-q", "-c", URI, *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _answers() -> bool:
    return virsh("version").returncode == 0


def _open_device() -> None:
    """Give QEMU's user the device: root alone there makes libvirt probe QEMU at every define."""
    node = Path("/dev/kvm")
    try:
        group = grp.getgrnam("kvm").gr_gid
    except KeyError:
        return
    if node.exists() and node.stat().st_gid != group:
        os.chown(node, 0, group)
        node.chmod(0o660)


def _start() -> list[int]:
    """Start the daemons and return their process ids."""
    _open_device()
    pids = []
    for daemon in ("virtlogd", "libvirtd"):
        if subprocess.run(["pgrep", "-x", daemon], capture_output=True, check=False).returncode:
            subprocess.run([daemon, "-d"], check=True)
            found = subprocess.run(["pgrep", "-x", daemon], capture_output=True, check=True)
            pids += [int(pid) for pid in found.stdout.split()]
    deadline = time.monotonic() + 60
    while not _answers():
        if time.monotonic() > deadline:
            raise RuntimeError("libvirtd does not answer")
        time.sleep(0.2)
    return pids


def _network() -> bool:
    """Have the network `default`; return whether it was started here."""
    if virsh("net-info", "default").returncode:
        virsh("net-define", str(DEFAULT_NETWORK))
    active = "yes" in virsh("net-info", "default").stdout.split("Active:")[1].split("\n")[0]
    if not active and virsh("net-start", "default").returncode:
        raise RuntimeError("the network default does not start")
    return not active


def _pool() -> None:
    if virsh("pool-info", "default").returncode:
        Path(POOL).mkdir(parents=True, exist_ok=True)
        virsh("pool-define-as", "default", "dir", "--target", POOL)
    virsh("pool-start", "default")


@pytest.fixture(scope="session")
def hypervisor(packages: None) -> Iterator[None]:
    """Have a libvirt at qemu:///system with the network and the pool `default`."""
    pids = [] if _answers() else _start()
    started = _network()
    _pool()
    yield
    if started:
        virsh("net-destroy", "default")
    for pid in pids:
        os.kill(pid, 15)
