"""What a machine costs: until its SSH answers, beside the same guest started by QEMU alone.

`make bench-machine` runs it on this machine's own libvirt, as root. It prints a table and asserts
nothing but that the guests come up. The guest is the demonstration's; QEMU alone gets the same
processors, memory, kernel, MAC address and seed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.bench.timing import Row, Stage, Task, install, table
from tests.lab.hypervisor import virsh
from tests.lab.session import TESTS

GUEST = TESTS.parent / ".cache" / "guest"
BUILD = TESTS.parent / "playbooks/files/guest/build.sh"
NAME = "fleet-bench"
POOL = Path("/var/lib/libvirt/images")
PAIRS = int(os.environ.get("DOCKYARD_PAIRS", "3"))
VARIABLES = {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3"}
PATIENCE = 900


@pytest.fixture
def stage(hypervisor: None) -> Iterator[Stage]:
    """Have the guest's image in the pool, and a folder for plays; take away what was made."""
    install()
    subprocess.run(["sh", str(BUILD), str(GUEST)], check=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{NAME}-"))
    try:
        stage = Stage(folder, VARIABLES)
        stage.seconds([image("present")])
        yield stage
        stage.seconds([*(machine(name, "absent") for name in names(2)), image("absent")])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def checksum() -> str:
    return (GUEST / "debian-12-demo.qcow2.sha256").read_text().split()[0]


def image(state: str) -> Task:
    options = {"name": NAME, "state": state}
    if state == "present":
        path = str(GUEST / "debian-12-demo.qcow2")
        options.update(path=path, checksum=f"sha256:{checksum()}")
    return {"name": f"image {state}", "dockyard.fleet.vm_image": options}


def names(count: int) -> list[str]:
    return [f"{NAME}-{number}" for number in range(1, count + 1)]


def wanted(name: str) -> Task:
    return {
        "name": name,
        "vcpus": 2,
        "memory": "1GiB",
        "disks": [{"image": f"{NAME}-{checksum()[:12]}.qcow2", "size": "8GiB"}],
        "networks": [{"network": "default"}],
        "kernel": str(GUEST / "vmlinuz"),
        "initrd": str(GUEST / "initrd.img"),
        "cmdline": "root=/dev/vda rw console=ttyS0",
        "cloud_init": {"users": [{"name": "fleet", "lock_passwd": True}]},
        "wait": "ssh",
        "wait_timeout": f"{PATIENCE}s",
    }


def machine(name: str, state: str = "started") -> Task:
    options = wanted(name) if state == "started" else removal(name)
    return {"name": state, "dockyard.fleet.vm": options}


def removal(name: str) -> Task:
    return {"name": name, "state": "absent", "delete_disks": True, "stop_grace_period": "1s"}


def domain(name: str) -> ET.Element:
    return ET.fromstring(virsh("dumpxml", name).stdout)


def mac_of(name: str) -> str:
    found = domain(name).find("devices/interface/mac")
    assert found is not None
    return str(found.get("address"))


def alone(folder: Path, mac: str, kvm: bool) -> float:
    """Start the guest by QEMU alone; return the seconds until its SSH answers."""
    log = folder / "alone.log"
    with tap() as device, log.open("wb") as console:
        begin = time.monotonic()
        process = subprocess.Popen(
            qemu(folder, mac, device, kvm),
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
        )
        try:
            wait(lambda: process.poll() is None and answers(address(mac)), log)
            return time.monotonic() - begin
        finally:
            process.kill()
            process.wait()


def qemu(folder: Path, mac: str, device: str, kvm: bool) -> list[str]:
    def drive(file: str, kind: str) -> list[str]:
        return ["-drive", f"if=virtio,file={folder / file},format={kind}"]

    return [
        *("qemu-system-x86_64", "-machine", f"q35,accel={'kvm' if kvm else 'tcg'}"),
        *("-cpu", "host" if kvm else "max", "-smp", "2", "-m", "1024"),
        *("-display", "none", "-vga", "none", "-serial", "stdio", "-device", "virtio-rng-pci"),
        *("-kernel", str(GUEST / "vmlinuz"), "-initrd", str(GUEST / "initrd.img")),
        *("-append", "root=/dev/vda rw console=ttyS0"),
        *drive("disk.qcow2", "qcow2"),
        *drive("seed.img", "raw"),
        *("-netdev", f"tap,id=n,ifname={device},script=no,downscript=no"),
        *("-device", f"virtio-net-pci,netdev=n,mac={mac}"),
    ]


@contextlib.contextmanager
def tap() -> Iterator[str]:
    """Have a network device on the bridge of libvirt's network `default`."""
    device = "fleet-bench0"
    subprocess.run(["ip", "tuntap", "add", device, "mode", "tap"], check=True)
    try:
        subprocess.run(["ip", "link", "set", device, "master", "virbr0", "up"], check=True)
        yield device
    finally:
        subprocess.run(["ip", "link", "delete", device], check=True)


def address(mac: str) -> str:
    for line in virsh("net-dhcp-leases", "default").stdout.splitlines():
        if mac in line:
            return next(word for word in line.split() if "/" in word).partition("/")[0]
    return ""


def answers(host: str) -> bool:
    """Tell whether an SSH server says its first line."""
    if not host:
        return False
    try:
        with socket.create_connection((host, 22), timeout=2) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def wait(condition: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, log.read_text(errors="replace")[-2000:]
        time.sleep(0.25)


def disks(folder: Path) -> None:
    """Take the machine's seed, and make an empty layer over the same image."""
    shutil.copyfile(POOL / f"{NAME}-1-seed.img", folder / "seed.img")
    base = POOL / f"{NAME}-{checksum()[:12]}.qcow2"
    command = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", str(base)]
    subprocess.run([*command, str(folder / "disk.qcow2"), "8G"], check=True)


def pair(stage: Stage) -> tuple[float, float]:
    """Return the seconds of a machine from its task to its SSH, and of QEMU alone."""
    ours = stage.seconds([machine(f"{NAME}-1")])["started"][0]
    mac, kvm = mac_of(f"{NAME}-1"), domain(f"{NAME}-1").get("type") == "kvm"
    virsh("destroy", f"{NAME}-1")
    disks(stage.folder)
    stage.seconds([machine(f"{NAME}-1", "absent")])
    return ours, alone(stage.folder, mac, kvm)


def together(stage: Stage) -> float:
    """Return the seconds of two machines made side by side in one play."""
    begin = time.monotonic()
    task = {
        "name": "two",
        "dockyard.fleet.vm": wanted("{{ item }}"),
        "loop": names(2),
        "async": PATIENCE,
        "poll": 0,
        "register": "made",
    }
    ended = {
        "name": "both",
        "ansible.builtin.async_status": {"jid": "{{ item.ansible_job_id }}"},
        "loop": "{{ made.results }}",
        "register": "one",
        "until": "one is finished",
        "retries": PATIENCE,
        "delay": 1,
    }
    stage.seconds([task, ended])
    return time.monotonic() - begin


def test_machines(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    pairs = [pair(stage) for _number in range(PAIRS)]
    ours, beside = [one for one, _other in pairs], [other for _one, other in pairs]
    both = together(stage)
    with capsys.disabled():
        print(f"\n{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}. Seconds until SSH answers.")
        print(table([Row("a machine, beside QEMU alone", "local", ours, beside)]))
        over = sorted(one - other for one, other in pairs)
        print("seconds over QEMU alone:", ", ".join(f"{seconds:.1f}" for seconds in over))
        print(f"two machines side by side: {both:.1f} s, the play itself included")
