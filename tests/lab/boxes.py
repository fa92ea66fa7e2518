"""Containers on the real engine under a prefix of their own, and all that they leave behind."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
import uuid
from pathlib import Path
from typing import Any, Dict, Iterable, List, Set

SOCKET = "/var/run/docker.sock"
# STOPSIGNAL: the first process of a container ignores SIGTERM, unless it handles it.
_DOCKERFILE = """\
FROM dev/busybox:1
COPY data /data
LABEL release={release}
ENV RELEASE={release}
STOPSIGNAL SIGKILL
VOLUME /data
"""


class Boxes:
    """`prefix` for names; images `app:1` and `app:2` under it have a volume at /data."""

    def __init__(self, task: str) -> None:
        self.prefix = f"fleet-{task}-{uuid.uuid4().hex[:8]}"
        self.networks: List[str] = []
        self._volumes: Set[str] = set()

    def __enter__(self) -> Boxes:
        self._before = dangling()
        for release in ("1", "2"):
            self.build(release)
        return self

    def __exit__(self, *_exc: object) -> None:
        listed = docker("ps", "-aq", "--filter", f"name={self.prefix}").split()
        self.remember_volumes(listed)
        if listed:
            docker("rm", "-f", "-v", *listed)
        left = self._volumes & set(docker("volume", "ls", "-q").split())
        for volume in {*left, *self.orphans()}:
            docker("volume", "rm", volume)
        for network in self.networks:
            docker("network", "rm", network)
        names = docker("images", "--format", "{{.Repository}}:{{.Tag}}", f"{self.prefix}/*")
        if names:
            docker("rmi", "-f", *names.split())

    def image(self, release: str) -> str:
        """Return the reference of an image."""
        return f"{self.prefix}/app:{release}"

    def build(self, release: str) -> None:
        """Make an image; one file of its volume names the prefix."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for name, text in {
                "Dockerfile": _DOCKERFILE.format(release=release),
                f"data/{self.prefix}": "from the image\n",
            }.items():
                info = tarfile.TarInfo(name)
                info.size = len(text)
                archive.addfile(info, io.BytesIO(text.encode()))
        command = ["docker", "build", "-q", "-t", self.image(release), "-"]
        environment = {"DOCKER_BUILDKIT": "0", "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}
        subprocess.run(
            command, input=buffer.getvalue(), env=environment, check=True, capture_output=True
        )

    def network(self, name: str) -> str:
        """Make a network and return its full name."""
        full = f"{self.prefix}-{name}"
        docker("network", "create", full)
        self.networks.append(full)
        return full

    def remember_volumes(self, containers: Iterable[str]) -> Set[str]:
        """Return the anonymous volumes of containers, and remove them at the end."""
        form = '{{range .Mounts}}{{if eq .Type "volume"}}{{.Name}} {{end}}{{end}}'
        names = {name for one in containers for name in docker("inspect", "-f", form, one).split()}
        found = {name for name in names if len(name) == 64}
        self._volumes |= found
        return found

    def orphans(self) -> Set[str]:
        """Return unused volumes that containers of our images have left behind."""
        new = dangling() - self._before - self._volumes
        return {volume for volume in new if (mountpoint(volume) / self.prefix).exists()}


def mountpoint(volume: str) -> Path:
    """Return where a volume's files are; nowhere if somebody has just removed it."""
    form = ("-f", "{{.Mountpoint}}")
    done = subprocess.run(
        ["docker", "volume", "inspect", *form, volume], capture_output=True, text=True, check=False
    )
    return Path(done.stdout.strip() or "/nowhere")


def dangling() -> Set[str]:
    """Return the anonymous volumes that no container uses."""
    listed = docker("volume", "ls", "-q", "--filter", "dangling=true").split()
    return {name for name in listed if len(name) == 64}


def docker(*words: str) -> str:
    """Run a docker command that has to work, and return what it printed."""
    done = subprocess.run(["docker", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"docker {' '.join(words)}: {done.stderr}")
    return done.stdout.strip()


def inspect(name: str) -> Dict[str, Any]:
    """Return what inspect says of a container."""
    found: List[Dict[str, Any]] = json.loads(docker("inspect", "--type", "container", name))
    return found[0]
