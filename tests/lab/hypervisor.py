"""A libvirt for the tests: the machine's own if it runs, else one that ends with the session."""

from __future__ import annotations

import grp
import os
import socket
import stat
import subprocess
import time
from pathlib import Path

import pytest

from tests.lab.daemons import note_command, note_process, turn

URI = "qemu:///system"
POOL = "/var/lib/libvirt/images"
SOCKETS = {
    "virtlogd": "/run/libvirt/virtlogd-sock",
    "libvirtd": "/run/libvirt/libvirt-sock",
}
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


def _open_tun() -> None:
    """Have the device that taps of machines are made from; containers often lack its node."""
    node = Path("/dev/net/tun")
    if not node.exists():
        node.parent.mkdir(exist_ok=True)
        os.mknod(node, stat.S_IFCHR | 0o666, os.makedev(10, 200))


def listens(path: str) -> bool:
    """Tell whether a daemon takes connections at a socket: one of its name may be elsewhere's."""
    with socket.socket(socket.AF_UNIX) as asked:
        try:
            asked.connect(path)
        except OSError:
            return False
    return True


def _start() -> None:
    _open_device()
    _open_tun()
    for daemon, path in SOCKETS.items():
        if not listens(path):
            # It is back when it has written its number, and listens.
            subprocess.run([daemon, "-d"], check=True)
            note_process(int(Path(f"/run/{daemon}.pid").read_text()))
    deadline = time.monotonic() + 60
    while not _answers():
        if time.monotonic() > deadline:
            raise RuntimeError("libvirtd does not answer")
        time.sleep(0.2)


def _network() -> None:
    if virsh("net-info", "default").returncode:
        virsh("net-define", str(DEFAULT_NETWORK))
    active = "yes" in virsh("net-info", "default").stdout.split("Active:")[1].split("\n")[0]
    if not active:
        if virsh("net-start", "default").returncode:
            raise RuntimeError("the network default does not start")
        note_command("virsh", "-c", URI, "net-destroy", "default")


def _pool() -> None:
    if virsh("pool-info", "default").returncode:
        Path(POOL).mkdir(parents=True, exist_ok=True)
        virsh("pool-define-as", "default", "dir", "--target", POOL)
    virsh("pool-start", "default")


@pytest.fixture(scope="session")
def hypervisor(packages: None) -> None:
    """Have a libvirt at qemu:///system with the network and the pool `default`."""
    with turn("hypervisor"):
        if not _answers():
            _start()
        _network()
        _pool()
