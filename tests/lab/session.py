"""The pytest plugin of the suite: order of the layers, their counts, and the machine's set-up.

Load it in tests/conftest.py with `pytest_plugins = ["tests.lab.session"]`.
"""

from __future__ import annotations

import collections
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any, TextIO

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.lab.busybox import BUSYBOX, import_busybox
from tests.lab.daemons import FOLDER, enter, leave, note_process, take_back, turn
from tests.lab.leftovers import note_images, remove_images
from tests.lab.server_image import exists, image, run

TESTS = Path(__file__).resolve().parents[1]
# Cheap first, so that a typing error is not found after half an hour.
LAYERS = {
    "lint": "static/test_lint.py",
    "unit": "unit",
    "sanity": "static/test_sanity.py",
    "integration": "integration",
    "molecule": "molecule",
    "e2e": "e2e",
}
# What has to run in one process, by how the ids of its tests begin (the longest such beginning
# counts); in the order in which processes take them. Those that take longest come early, so that no
# process waits long for the other at the end.
SIDES = {
    "": "no engine",
    "tests/integration/": "engine",
    "tests/integration/test_vm_": "libvirt",
    "tests/e2e/test_machine.py": "machine",
    "tests/integration/roles/": "servers",
    "tests/molecule/": "servers",
    "tests/e2e/": "playbooks",
}
_ENTERED = pytest.StashKey[TextIO]()
NEED_LIBVIRT = "test_vm_"
NEED_ENGINE = ("integration", "molecule", "e2e")
# By the program that shows them to be there: an engine of another vendor is as good.
PACKAGES = {
    "dockerd": "docker.io",
    "iptables": "iptables",
    "ip": "iproute2",
    "mmdebstrap": "mmdebstrap",
    "mkfs.ext4": "e2fsprogs",
    "sshd": "openssh-server",
    "ssh": "openssh-client",
    "busybox": "busybox-static",
    "fsck.fat": "dosfstools",
    "mcopy": "mtools",
    "sudo": "sudo",
    "sshpass": "sshpass",
    "libvirtd": "libvirt-daemon-system",
    "virsh": "libvirt-clients",
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "dnsmasq": "dnsmasq-base",
}
# What is no program: a file that the package brings.
PACKAGED_FILES = {
    "/usr/lib/python3/dist-packages/libvirt.py": "python3-libvirt",
    "/usr/share/OVMF/OVMF_CODE_4M.fd": "ovmf",
}


def layer(item: pytest.Item) -> str:
    """Return the layer that a test belongs to; "other" for one outside of all of them."""
    place = item.path.relative_to(TESTS)
    return next((name for name, path in LAYERS.items() if place.is_relative_to(path)), "other")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the layers, and give an engine to those that need one."""
    order = {name: number for number, name in enumerate(LAYERS)}
    sides = list(SIDES.values())
    items.sort(
        key=lambda item: (sides.index(side(item.nodeid)), order.get(layer(item), len(order)))
    )
    for item in items:
        if layer(item) in NEED_ENGINE:
            # First: fixtures of the test itself may use the engine already.
            item.fixturenames.insert(0, "engine")
        if layer(item) == "integration" and item.path.name.startswith(NEED_LIBVIRT):
            item.fixturenames.insert(0, "hypervisor")


def side(nodeid: str) -> str:
    """Return which of SIDES a test belongs to."""
    return SIDES[max((begin for begin in SIDES if nodeid.startswith(begin)), key=len)]


class Sides(LoadScopeScheduling):
    """Gives a process one of SIDES after the other, as it gets free."""

    def _split_scope(self, nodeid: str) -> str:
        return side(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Sides:
    """Have what shares an engine, servers or a hypervisor in one process at a time."""
    return Sides(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many tests of each layer passed, and how long they took."""
    table: dict[str, collections.Counter[str]] = {}
    seconds: collections.Counter[str] = collections.Counter()
    for outcome in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.stats.get(outcome, []):
            name = next(
                (n for n, p in LAYERS.items() if report.nodeid.startswith(f"tests/{p}")), ""
            )
            table.setdefault(name or "other", collections.Counter())[outcome] += 1
            # What fails to be collected has no duration.
            seconds[name or "other"] += getattr(report, "duration", 0)
    terminalreporter.section("layers")
    for name in [*LAYERS, "other"]:
        if name in table:
            counts = ", ".join(f"{count} {outcome}" for outcome, count in table[name].items())
            terminalreporter.write_line(f"{name:12} {counts} ({seconds[name]:.0f} s)")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Install what the tests need of Debian's packages: some modules cannot be imported without."""
    if _is_worker(session):
        return
    session.config.stash[_ENTERED] = enter()
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    wanted = [package for tool, package in PACKAGES.items() if not shutil.which(tool, path=path)]
    wanted += [package for file, package in PACKAGED_FILES.items() if not Path(file).exists()]
    if wanted or not shutil.which("docker", path=path):
        sudo = [] if os.geteuid() == 0 else ["sudo"]
        run(*sudo, "apt-get", "update", "-qq")
        wanted += _client(wanted, path)
        apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-qq", "-y"]
        run(*sudo, *apt, "--no-install-recommends", *wanted)


def _client(wanted: list[str], path: str) -> list[str]:
    """Return the package of the engine's client, a package of its own from Debian 13 on."""
    there = "docker.io" not in wanted and shutil.which("docker", path=path)
    found = ["apt-cache", "show", "--quiet=2", "docker-cli"]
    known = subprocess.run(found, capture_output=True, check=False).returncode == 0
    return ["docker-cli"] if known and not there else []


def pytest_sessionfinish(session: pytest.Session) -> None:
    """End what tests started, once no run needs it any more."""
    entered = session.config.stash.get(_ENTERED, None)
    if entered is not None:
        with leave(entered) as last:
            if last:
                remove_images()
                take_back()


def _is_worker(session: pytest.Session) -> bool:
    """Tell whether this process only runs tests that another one collects the results of."""
    return hasattr(session.config, "workerinput")


@pytest.fixture(scope="session")
def packages() -> None:
    """Have Debian's packages: they are installed when the session starts."""


@pytest.fixture(scope="session")
def engine(packages: None) -> None:
    """Have an engine at /var/run/docker.sock with the image dev/busybox:1.

    One that runs already stays as it is; one started here ends with the session.
    """
    with turn("engine"):
        if not _answers():
            _start_engine()
        note_images()
        if not exists(BUSYBOX):
            import_busybox("/var/run/docker.sock")


def _answers() -> bool:
    command = ["docker", "version", "--format", "{{.Server.Version}}"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _start_engine() -> None:
    log = FOLDER / "dockerd.log"
    with log.open("wb") as target:
        process = subprocess.Popen(
            ["dockerd"],
            stdout=target,
            stderr=target,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    note_process(process.pid)
    deadline = time.monotonic() + 60
    while not _answers():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise RuntimeError(f"dockerd does not run:\n{log.read_text()[-2000:]}")
        time.sleep(0.2)


@pytest.fixture(scope="session")
def server_images(engine: None) -> dict[str, str]:
    """Return the images of the test servers by variant; see tests/lab/servers.py."""
    with turn("servers"):
        return {variant: image(variant) for variant in ("bare", "docker")}
