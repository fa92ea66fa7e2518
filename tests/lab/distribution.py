"""Engines that are reached over ssh, each by a connection whose bytes are counted, and images with
a large layer that stays and a small one that changes."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import tarfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import Client

from tests.lab.counting import Counting
from tests.lab.engines import Engine
from tests.lab.sshd import Account, Site
from tests.lab.told import results_of

LARGE, SMALL = 64 << 20, 1 << 20


@dataclass
class Host:
    """An engine with its ssh server, and what counts on the connection to it."""

    name: str
    engine: Engine
    counting: Counting
    variables: dict[str, Any] = field(default_factory=dict)

    def client(self) -> Client:
        """Return a new client of the engine, by no connection that counts."""
        return self.engine.client()

    def image(self, name: str) -> dict[str, Any]:
        """Return what the engine says of an image."""
        with self.client() as client:
            return dict(client.get(f"/images/{name}/json"))

    def names(self) -> list[str]:
        """Return all names of images."""
        with self.client() as client:
            listed = client.get("/images/json")
        return sorted(tag for image in listed for tag in image.get("RepoTags") or ())

    def saves(self, since: float) -> int:
        """Return how often the engine has written an archive of images since a time."""
        query: dict[str, Any] = {"since": f"{since:.6f}", "until": f"{time.time():.6f}"}
        query["filters"] = {"event": ["save"]}
        with self.client() as client:
            return len(list(client.stream("GET", "/events", query)))

    def dangling(self) -> int:
        """Return how many images have no name."""
        with self.client() as client:
            return len(client.get("/images/json", {"filters": {"dangling": ["true"]}}))


class Distribution:
    """Hosts by name in a folder, a name for images that nobody else uses, and plays."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.name = f"fleet-dist-{uuid.uuid4().hex[:8]}/app"
        self.hosts: dict[str, Host] = {}
        self.account = site.account("dist", groups=["docker"])
        self.output = ""

    def add(
        self, name: str, engine: Engine, *settings: str, account: Account | None = None
    ) -> Host:
        """Have a host whose user may use the engine; `settings` are lines of its sshd_config."""
        if engine.socket.startswith("/tmp/"):
            Path(engine.socket).parents[1].chmod(0o711)
        variables: dict[str, Any] = dict(
            self.site.sshd(account or self.account, *settings).variables
        )
        port = int(variables["ansible_port"])
        counting = Counting(port)
        common = f"{variables['ansible_ssh_common_args']} -o HostKeyAlias=[127.0.0.1]:{port}"
        variables.update(
            ansible_port=counting.port,
            ansible_ssh_common_args=common,
            ansible_control_path_dir=str(self.site.control),
            engine=f"unix://{engine.socket}",
        )
        host = self.hosts[name] = Host(name, engine, counting, variables)
        return host

    def base(self, host: Host, size: int = LARGE, on: str = "scratch") -> str:
        """Build what versions stand on, with new content of this size; return its name."""
        name = f"{self.name}:base-{uuid.uuid4().hex[:8]}"
        _build(host, name, f"FROM {on}\nCOPY large /large\n", {"large": os.urandom(size)})
        return name

    def build(self, host: Host, base: str) -> str:
        """Build a version of the image on a base, with a layer of its own; return its name."""
        name = f"{self.name}:{uuid.uuid4().hex[:8]}"
        text = f'FROM {base}\nCOPY small /small\nCMD ["/none"]\n'
        _build(host, name, text, {"small": os.urandom(SMALL)})
        return name

    def take(
        self, to: str, name: str | list[str], source: str, *options: str, **more: Any
    ) -> dict[str, dict[str, Any]]:
        """Run the task on hosts (a pattern); return the result of each."""
        key = "name" if isinstance(name, str) else "names"
        other = "localhost" if source == "localhost" else source
        task = {
            key: name,
            "from_host": other,
            "from_engine_host": f"{{{{ hostvars['{source}'].engine }}}}",
            "engine_host": "{{ engine }}",
            "engine_via": "channel",
            **more,
        }
        play = {
            "hosts": to,
            "gather_facts": False,
            "tasks": [{"name": "Take", "dockyard.fleet.image": task, "ignore_errors": True}],
        }
        inventory = {"all": {"hosts": {one.name: one.variables for one in self.hosts.values()}}}
        results, self.output = results_of(self.site.folder, inventory, play, *options)
        return results

    def ssh(self, host: Host, *command: str) -> list[str]:
        """Return the command that runs one on a host, as a user would type it."""
        given = host.variables
        words = ["ssh", *str(given["ansible_ssh_common_args"]).split()]
        words += ["-i", str(given["ansible_ssh_private_key_file"]), "-p", str(host.counting.port)]
        where = f"{given['ansible_user']}@127.0.0.1"
        return [*words, where, *command]

    def save_and_load(self, source: Host, to: Host, name: str) -> float:
        """Send an image whole, as `docker save | docker load` over ssh; return the seconds."""
        begun = time.monotonic()
        saving = subprocess.Popen(
            self.ssh(source, "docker", "-H", f"unix://{source.engine.socket}", "save", name),
            stdout=subprocess.PIPE,
        )
        loading = self.ssh(to, "docker", "-H", f"unix://{to.engine.socket}", "load", "-q")
        subprocess.run(loading, stdin=saving.stdout, check=True, capture_output=True)
        assert saving.wait() == 0
        return time.monotonic() - begun

    def reset(self) -> None:
        """Begin to count anew, on connections that are yet to be opened."""
        for path in filter(Path.is_socket, self.site.control.iterdir()):
            command = ["ssh", "-F", "none", "-S", str(path), "-O", "exit", "none"]
            subprocess.run(command, capture_output=True, check=False)
        for host in self.hosts.values():
            host.counting.reset()

    def close(self) -> None:
        """Remove the images and end what counts."""
        for host in self.hosts.values():
            with host.client() as client:
                for tag in host.names():
                    if tag.startswith(f"{self.name}:") or f"/{self.name}:" in tag:
                        with contextlib.suppress(Exception):
                            client.delete(f"/images/{tag}", {"force": True})
            host.counting.close()


@contextlib.contextmanager
def distribution(folder: Path) -> Iterator[Distribution]:
    """Have ssh servers and plays inside the block."""
    site = Site(folder, prefix="fleet-di")
    made: Distribution | None = None
    try:
        made = Distribution(site)
        yield made
    finally:
        try:
            if made is not None:
                made.close()
        finally:
            site.stop()


def _build(host: Host, name: str, dockerfile: str, files: dict[str, bytes]) -> None:
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        for path, data in {"Dockerfile": dockerfile.encode(), **files}.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    headers = {"Content-Type": "application/x-tar"}
    with host.client() as client:
        query = {"t": name, "rm": True}
        for _part in client.stream("POST", "/build", query, context.getvalue(), headers):
            pass
