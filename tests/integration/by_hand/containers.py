"""A container that we described, with a volume and a network, and what people do with docker."""

from __future__ import annotations

import contextlib
import json
import uuid
from pathlib import Path
from typing import Any, Optional

from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container.resource import (
    CONTAINER,
)

from tests.integration.by_hand.orders import Deed, Differs, Impossible, by_hand
from tests.lab.boxes import SOCKET, docker, inspect
from tests.lab.tasks import do

MIB = 1 << 20


class Container:
    """The container PREFIX-web; `made` are the ids of what people made of it or beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.prefix = f"fleet-orders-{uuid.uuid4().hex[:8]}"
        self.name, self.volume = f"{self.prefix}-web", f"{self.prefix}-data"
        self.net, self.other = f"{self.prefix}-net", f"{self.prefix}-other"
        self.task = {
            "name": self.name,
            "image": "dev/busybox:1",
            "command": ["sleep", "1d"],
            "init": True,
            "environment": {"LOG": "info"},
            "networks": {self.net: {"aliases": ["web"]}},
            "volumes": [f"{self.volume}:/data", "/scratch"],
            "mem_limit": "64m",
            "restart": "unless-stopped",
            "monitor": "20ms",
            "stop_grace_period": "1s",
        }
        self.made: set[str] = set()
        self.images: set[str] = set()
        self.files: list[Path] = []
        self.deeds: dict[str, Deed] = {
            name[3:]: getattr(self, name) for name in vars(Container) if name.startswith("do_")
        }
        for network in (self.net, self.other):
            docker("network", "create", network)
        docker("volume", "create", self.volume)
        self.run()
        self.scratch = self.anonymous()
        docker("exec", self.name, "sh", "-c", "echo kept >/data/file; echo kept >/scratch/file")

    def close(self) -> None:
        """Remove all of it."""
        names = docker("ps", "-aq", "--filter", f"name={self.prefix}").split()
        for one in {*names, *self.made}:
            with contextlib.suppress(RuntimeError):
                docker("rm", "-f", "-v", one)
        for volume in (self.volume, self.scratch):
            with contextlib.suppress(RuntimeError):
                docker("volume", "rm", volume)
        for network in (self.net, self.other):
            docker("network", "rm", network)
        for image in self.images:
            docker("rmi", "-f", image)

    def run(self, check: bool = False) -> dict[str, Any]:
        """Run the declaration."""
        return do(CONTAINER, SOCKET, check=check, **self.task)

    def anonymous(self) -> str:
        """Return the volume at /scratch."""
        mounts = inspect(self.name)["Mounts"]
        return next(str(one["Name"]) for one in mounts if one["Destination"] == "/scratch")

    def lost(self) -> list[str]:
        """Return what is not there any more."""
        lost = [f"container {one}" for one in self.made if not _is("container", one)]
        lost += [f"image {one}" for one in self.images if not _is("image", one)]
        lost += [str(path) for path in self.files if not path.exists()]
        for volume in (self.volume, self.scratch):
            place = _is("volume", volume)
            file = Path(place["Mountpoint"]) / "file" if place else Path("/nowhere")
            if not file.exists() or file.read_text() != "kept\n":
                lost.append(f"data of volume {volume}")
        return lost

    def differing(self) -> Optional[Differs]:
        """Return what differs, as inspect has it."""
        now = _is("container", self.name)
        if now is None:
            return frozenset({"not there"})
        differs: set[str] = set()
        if now["HostConfig"]["Memory"] != 64 * MIB:
            differs |= {"mem_limit", "memswap_limit"}
        if now["HostConfig"]["RestartPolicy"]["Name"] != "unless-stopped":
            differs.add("restart")
        networks = now["NetworkSettings"]["Networks"]
        if {*networks} != {self.net} or "web" not in (networks[self.net]["Aliases"] or ()):
            differs.add("networks")
        if now["State"]["Paused"] or not now["State"]["Running"]:
            differs.add("state")
        return frozenset(differs)

    def do_snapshot(self) -> None:
        self.images.add(by_hand("docker", "commit", self.name, f"{self.prefix}/snap:1"))

    def do_clone(self) -> None:
        """Run one more of its snapshot, which has inherited its labels, on the same volumes."""
        image = by_hand("docker", "commit", self.name, f"{self.prefix}/clone:1")
        self.images.add(image)
        words = ("docker", "run", "-d", "--name", f"{self.prefix}-clone", "--volumes-from")
        self.made.add(by_hand(*words, self.name, f"{self.prefix}/clone:1"))

    def do_rename(self) -> None:
        by_hand("docker", "rename", self.name, f"{self.prefix}-away")
        self.made.add(inspect(f"{self.prefix}-away")["Id"])

    def do_pause(self) -> None:
        by_hand("docker", "pause", self.name)

    def do_stop(self) -> None:
        by_hand("docker", "stop", "-t", "1", self.name)

    def do_kill(self) -> None:
        by_hand("docker", "kill", self.name)

    def do_restart(self) -> None:
        by_hand("docker", "restart", "-t", "1", self.name)

    def do_edit_memory(self) -> None:
        by_hand("docker", "update", "--memory", "96m", "--memory-swap", "192m", self.name)

    def do_edit_policy(self) -> None:
        by_hand("docker", "update", "--restart", "always", self.name)

    def do_edit_files(self) -> None:
        by_hand("docker", "exec", self.name, "sh", "-c", "echo by hand >/etc/motd")

    def do_disconnect(self) -> None:
        by_hand("docker", "network", "disconnect", self.net, self.name)

    def do_reconnect(self) -> None:
        """Disconnect and connect it again, without its alias."""
        by_hand("docker", "network", "disconnect", self.net, self.name)
        by_hand("docker", "network", "connect", self.net, self.name)

    def do_move(self) -> None:
        """Connect it elsewhere."""
        by_hand("docker", "network", "connect", self.other, self.name)

    def do_backup(self) -> None:
        """Export it, and archive its volumes with a container that borrows them."""
        by_hand("docker", "export", "-o", str(self.folder / "export.tar"), self.name)
        self.files.append(self.folder / "export.tar")
        borrow = ("docker", "run", "--rm", "--volumes-from", self.name, "dev/busybox:1")
        by_hand(*borrow, "tar", "cf", "/dev/null", "/data", "/scratch")

    def do_borrow(self) -> None:
        """Leave a container that borrows its volumes, for backups every night."""
        words = ("docker", "create", "--name", f"{self.prefix}-nightly", "--volumes-from")
        self.made.add(by_hand(*words, self.name, "dev/busybox:1"))

    def do_share(self) -> None:
        """Look into its network from a container beside it."""
        name = f"{self.prefix}-beside"
        words = ("docker", "run", "-d", "--name", name, "--network", f"container:{self.name}")
        self.made.add(by_hand(*words, "dev/busybox:1", "sleep", "1d"))


def _is(kind: str, name: str) -> Optional[dict[str, Any]]:
    """Return what inspect says, None if there is no such thing."""
    try:
        found: list[dict[str, Any]] = json.loads(by_hand("docker", kind, "inspect", name))
    except Impossible:
        return None
    return found[0]
