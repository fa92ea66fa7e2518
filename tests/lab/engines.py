"""Engines beside the machine's own, each by one command; NAMES says which there are.

    python -m tests.lab.engines start d28 --dir DIR     prints the socket
    python -m tests.lab.engines stop d28 --dir DIR

Tests ask the fixture `engine_of(name)`. An engine needs root, touches neither the machine's own nor
its docker0, and has the image dev/busybox:1. Bind mounts may come from `Engine.shared`, which is at
the same path for every engine.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import resource
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Callable, Mapping, Optional

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import FleetError
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)

from tests.lab import engine_packages
from tests.lab.busybox import import_busybox
from tests.lab.server_image import run

OWN = "/var/run/docker.sock"
SCRIPT = Path(__file__).parent / "engine" / "podman.sh"
_FILES, _PROCESSES = resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC
LOCKS = Path("/run/lock/dockyard-lab")


@dataclass(frozen=True)
class Recipe:
    """Where an engine comes from, what it calls itself then, and how it is set."""

    title: str
    suite: str
    server: str
    api: tuple[int, int]
    settings: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The family of engines, as the client names it."""
        return "podman" if self.server.startswith("Libpod") else "docker"


RECIPES = {
    "d20": Recipe("Docker 20.10", "bookworm", "Docker/20.10.", (1, 41)),
    "d26": Recipe("Docker 26.1", "trixie", "Docker/26.1.", (1, 45)),
    "d28": Recipe("Docker 28", "sid", "Docker/28.", (1, 51)),
    # Docker 28 with what Engine 29 has by default: image ids are those of manifests, and no API
    # before 1.44 is spoken. The fields of API 1.52 cannot be had so.
    "d29": Recipe(
        "Docker 28 as 29",
        "sid",
        "Docker/28.",
        (1, 51),
        {"features": {"containerd-snapshotter": True}},
        {"DOCKER_MIN_API_VERSION": "1.44"},
    ),
    "p54": Recipe("Podman 5.4", "trixie", "Libpod/5.4.", (1, 41)),
    "p58": Recipe("Podman 5.8", "sid", "Libpod/5.8.", (1, 44)),
}
NAMES = tuple(RECIPES)


@dataclass(frozen=True)
class Engine:
    """A running engine: its socket, and a folder that its containers may bind."""

    name: str
    socket: str
    shared: Path

    def client(self, timeout: float = 60) -> Client:
        """Return a new client."""
        return Client(unix_dial(self.socket), timeout)


def start(name: str, folder: Path) -> Engine:
    """Start an engine whose files are all in `folder`/NAME; what it needs is downloaded once."""
    recipe = RECIPES[name]
    home = folder.absolute() / name
    (home / "shared").mkdir(parents=True)
    with _number() as (number, lock):
        serve = _serve_podman if recipe.kind == "podman" else _serve_docker
        command = serve(recipe, home, number)
        log = (home / "log").open("wb")
        process = subprocess.Popen(
            command,
            env={**os.environ, **recipe.environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=[lock.fileno()],  # the number is taken as long as the engine lives
        )
    (home / "pid").write_text(str(process.pid))
    engine = Engine(name, str(home / "engine.sock"), home / "shared")
    _forward(number, "-I")
    (home / "number").write_text(str(number))
    _wait(engine, process, home / "log")
    _check(engine, recipe)
    import_busybox(engine.socket)
    return engine


def stop(name: str, folder: Path) -> None:
    """End an engine with all of its containers, and remove its files."""
    home = folder.absolute() / name
    pid, number = int((home / "pid").read_text()), int((home / "number").read_text())
    with contextlib.suppress(FleetError):
        _remove_all(Engine(name, str(home / "engine.sock"), home / "shared"))
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 30
    while _alive(pid):
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
    _forward(number, "-D")
    subprocess.run(["ip", "link", "del", f"lab{number}"], capture_output=True, check=False)
    for line in Path("/proc/mounts").read_text().splitlines():
        if line.split()[1].startswith(f"{home}/"):  # such as Docker's handle of its namespace
            run("umount", "--lazy", line.split()[1])
    shutil.rmtree(home)


@contextlib.contextmanager
def running(name: str) -> Iterator[Engine]:
    """Have an engine inside the block."""
    folder = Path(tempfile.mkdtemp(prefix="lab-", dir="/tmp"))
    try:
        yield start(name, folder)
    finally:
        if (folder / name / "pid").exists():
            stop(name, folder)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def engine_of(engine: None) -> Iterator[Callable[[str], Engine]]:
    """Return a function that gives an engine by its name: the machine's own if it is that one."""
    with contextlib.ExitStack() as stack:
        kept: dict[str, Engine] = {}

        def give(name: str) -> Engine:
            if name not in kept:
                own = _own(name)
                kept[name] = own or stack.enter_context(running(name))
            return kept[name]

        yield give


def _own(name: str) -> Optional[Engine]:
    with Client(unix_dial(OWN)) as client:
        if not client.server.startswith(RECIPES[name].server) or name == "d29":
            return None
    return Engine(name, OWN, Path("/tmp"))


@contextlib.contextmanager
def _number() -> Iterator[tuple[int, IO[bytes]]]:
    """Take a number that no other engine of a lab has: for the bridge's name and the addresses."""
    LOCKS.mkdir(parents=True, exist_ok=True)
    for number in range(1, 50):
        with (LOCKS / str(number)).open("wb") as lock, contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield number, lock
            return
    raise RuntimeError("49 engines run already")


def _serve_docker(recipe: Recipe, home: Path, number: int) -> list[str]:
    programs = engine_packages.docker(recipe.suite)
    bridge, network = f"lab{number}", f"10.{200 + number}"
    subprocess.run(["ip", "link", "del", bridge], capture_output=True, check=False)
    run("ip", "link", "add", bridge, "type", "bridge")
    run("ip", "addr", "add", f"{network}.0.1/24", "dev", bridge)
    run("ip", "link", "set", bridge, "up")
    (home / "daemon.json").write_text(json.dumps(dict(recipe.settings)))
    return [
        "env",
        f"PATH={programs}:{os.environ['PATH']}:/usr/sbin:/sbin",
        "dockerd",
        f"--host=unix://{home}/engine.sock",
        f"--data-root={home}/data",
        f"--exec-root={home}/exec",
        f"--pidfile={home}/dockerd.pid",
        f"--config-file={home}/daemon.json",
        f"--bridge={bridge}",  # "none" would delete the machine's docker0
        "--iptables=false",
        "--ip6tables=false",
        f"--default-address-pool=base={network}.128.0/17,size=24",
    ]


def _serve_podman(recipe: Recipe, home: Path, number: int) -> list[str]:
    root = engine_packages.podman(recipe.suite)
    network = f"10.{200 + number}"
    # Where root may not raise its own limits, Podman's defaults would fail.
    files, processes = (resource.getrlimit(what)[1] for what in (_FILES, _PROCESSES))
    limits = json.dumps([f"nofile={files}:{files}", f"nproc={processes}:{processes}"])
    (home / "containers.conf").write_text(
        f"[containers]\ndefault_ulimits = {limits}\n"
        '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\nruntime = "crun"\n'
        '[network]\nnetwork_backend = "netavark"\nfirewall_driver = "nftables"\n'
        f'default_subnet = "{network}.0.0/24"\n'
        f'default_subnet_pools = [{{"base" = "{network}.128.0/17", "size" = 24}}]\n'
    )
    (home / "storage.conf").write_text(
        '[storage]\ndriver = "overlay"\ngraphroot = "/var/lib/containers/storage"\n'
        'runroot = "/run/containers/storage"\n'
    )
    (home / "networks").mkdir()
    # Without a file of its own, the default network's bridge has one name for all Podmans.
    default = _default_network(f"lab{number}", network)
    (home / "networks" / "podman.json").write_text(json.dumps(default))
    return ["unshare", "--mount", "sh", str(SCRIPT), str(root), str(home)]


def _default_network(bridge: str, network: str) -> dict[str, Any]:
    return {
        "name": "podman",
        "id": "0" * 64,
        "driver": "bridge",
        "network_interface": bridge,
        "created": "2020-01-01T00:00:00Z",
        "subnets": [{"subnet": f"{network}.0.0/24", "gateway": f"{network}.0.1"}],
        "ipv6_enabled": False,
        "internal": False,
        "dns_enabled": False,
        "ipam_options": {"driver": "host-local"},
    }


def _forward(number: int, action: str) -> None:
    """Let bridged frames pass: the machine's engine drops what is forwarded, and they count."""
    rule = ["-m", "physdev", "--physdev-is-bridged", "-m", "comment", "--comment", f"lab{number}"]
    run("iptables", "-w", action, "FORWARD", *rule, "-j", "ACCEPT")


def _wait(engine: Engine, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(FleetError), engine.client() as client:
            client.get("/version")
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{engine.name} does not answer:\n{log.read_text()[-3000:]}")
        time.sleep(0.1)


def _check(engine: Engine, recipe: Recipe) -> None:
    with engine.client() as client:
        if not client.server.startswith(recipe.server) or client.api != recipe.api:
            raise RuntimeError(
                f"Debian's {recipe.suite} has {client.server} (API {client.api}) by now; "
                f"tests/lab/engines.py says {recipe.server} (API {recipe.api}): correct it, and "
                "remove .cache/engines when it is too old"
            )


def _remove_all(engine: Engine) -> None:
    with engine.client() as client:
        for one in client.get("/containers/json", {"all": True}):
            # Podman's forced removal asks politely first, for ten seconds.
            with contextlib.suppress(FleetError):
                client.post(f"/containers/{one['Id']}/kill")
            with contextlib.suppress(FleetError):
                client.delete(f"/containers/{one['Id']}", {"force": True, "v": True})


def _alive(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def main() -> None:
    """Start or stop an engine from a shell."""
    parser = argparse.ArgumentParser(description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("names")
    for action in ("start", "stop"):
        one = actions.add_parser(action)
        one.add_argument("name", choices=NAMES)
        one.add_argument("--dir", type=Path, required=True)
    arguments = parser.parse_args()
    if arguments.action == "names":
        print(*NAMES)
    elif arguments.action == "start":
        print(start(arguments.name, arguments.dir).socket)
    else:
        stop(arguments.name, arguments.dir)


if __name__ == "__main__":
    main()
