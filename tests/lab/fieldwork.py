"""The rows of the field tables, tried on a real engine by the core in this process.

`python -m tests.lab.fieldwork [--socket PATH] [--of RESOURCE] [ROW …]` tries some rows of a
resource (container, if none is named), or all, and prints what went wrong. The values are those of
tests/cases/RESOURCE_fields.yml, which tests/lab/fieldtable.py explains.
"""

from __future__ import annotations

import argparse
import io
import os
import stat
import tarfile
from pathlib import Path
from typing import Any, ClassVar, Dict, Iterator, List, Optional, Set

from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container.fields import mounts

from tests.lab.fieldtable import Entry, Params, groups
from tests.lab.ground import COMMAND, IMAGE, Ground


def block_device() -> str:
    """Return the path of a disk; made where the machine has one and no node of it (a container)."""
    disks = [disk for disk in Path("/sys/block").iterdir() if (disk / "device").exists()]
    for disk in disks:
        if Path("/dev", disk.name).is_block_device():
            return f"/dev/{disk.name}"
    made = Path("/dev/fleet-disk")
    if not made.is_block_device():
        major, minor = map(int, (disks[0] / "dev").read_text().split(":"))
        os.mknod(made, 0o600 | stat.S_IFBLK, os.makedev(major, minor))
    return str(made)


class Field(Ground):
    """The ground of containers.

    As a context it has a container and a network that entries may name (`{peer}`, `{net}`), and
    two images (`{image1}`, `{image2}`).
    """

    resource = "container"
    defaults: ClassVar[Params] = {"image": IMAGE, "command": COMMAND, "wait": "none"}

    def __enter__(self) -> Field:
        self.volumes: Set[str] = set()
        subnet = {"Config": [{"Subnet": f"10.{self.number}.77.0/24"}]}
        self.client.post("/networks/create", None, {"Name": f"{self.prefix}-net", "IPAM": subnet})
        for release in ("1", "2"):
            self._build(release)
        self.run({"name": f"{self.prefix}-peer", "ipc": "shareable", "volumes": ["/lent"]})
        self.run({"name": f"{self.prefix}-plain"})
        self.plain = self.inspect(f"{self.prefix}-plain")
        return self

    def __exit__(self, *_exc: object) -> None:
        self.remove_boxes()
        for volume in self.client.get("/volumes")["Volumes"] or ():
            if volume["Name"].startswith(self.prefix) or volume["Name"] in self.volumes:
                self.client.delete(f"/volumes/{volume['Name']}", {"force": True})
        self.client.delete(f"/networks/{self.prefix}-net")
        for release in ("1", "2"):
            self.client.delete(f"/images/{self.prefix}/app:{release}", {"force": True})
        self.client.close()

    def _build(self, release: str) -> None:
        text = f"FROM {IMAGE}\nENV RELEASE={release}\n".encode()
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            info = tarfile.TarInfo("Dockerfile")
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text))
        query = {"t": f"{self.prefix}/app:{release}"}
        kind = {"Content-Type": "application/x-tar"}
        for _said in self.client.stream("POST", "/build", query, buffer.getvalue(), kind):
            pass

    @property
    def names(self) -> Dict[str, str]:
        endings = {"peer": "-peer", "net": "-net", "image1": "/app:1", "image2": "/app:2"}
        filled = {name: f"{self.prefix}{ending}" for name, ending in endings.items()}
        return {**super().names, **filled, "device": block_device()}

    def common(self, group: List[Entry], turn: int) -> Params:
        return {} if group[0].runs else {"state": "present"}

    def inspect(self, name: str) -> Params:
        found: Params = self.client.get(f"/containers/{name}/json")
        # A replacement leaves those that are declared no more, and this ground leaves none.
        self.volumes |= {volume for _target, volume in mounts.anonymous(found)}
        return found

    def inside(self, name: str, script: str) -> str:
        return self.execute(name, script)

    def clear(self, name: str) -> None:
        self.run({"name": name, "image": None, "command": None, "state": "absent"})

    def differences(self, found: Params) -> Iterator[str]:
        """Say where a container is not what one is that nothing was ever asked for."""
        for part in ("Config", "HostConfig"):
            for key in sorted({*found[part], *self.plain[part]}):
                if key in ("Labels", "Hostname", "MacAddress"):
                    continue
                one, other = (_plain(key, x[part].get(key)) for x in (found, self.plain))
                if one != other:
                    yield f"{part}.{key}: {one!r}, without it {other!r}"
        networks = [sorted(x["NetworkSettings"]["Networks"]) for x in (found, self.plain)]
        if networks[0] != networks[1]:
            yield f"Networks: {networks[0]}, without it {networks[1]}"


def _plain(key: str, value: Any) -> Optional[Any]:
    """Make equal what means the same: unset, empty, zero; a policy without a name."""
    if key == "RestartPolicy":
        return (value or {}).get("Name") or "no"
    if key in ("Env", "Binds"):  # Podman's are in an order of chance, with the host's name
        own = ("HOSTNAME=", "HOME=")
        return sorted(item for item in value or () if not item.startswith(own))
    if key == "Annotations":  # Podman has its own
        own = ("io.podman.", "io.container.", "org.opencontainers.", "org.systemd.")
        return {k: v for k, v in (value or {}).items() if not k.startswith(own)} or None
    if key == "Runtime":
        return None if value == "runc" else value or None  # unset if no settings were sent at all
    if key == "NetworkMode" and ":" not in value and value not in ("host", "none"):
        return None  # it keeps the name of the first network, whatever was joined and left since
    return value or None


def main() -> None:
    """Try the rows that are named, all of them by default; print a line for each group."""
    from tests.lab.fieldnetvol import NetworkField, VolumeField

    grounds: Dict[str, Any] = {x.resource: x for x in (Field, NetworkField, VolumeField)}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--socket", default="/var/run/docker.sock")
    parser.add_argument("--of", choices=grounds, default="container")
    parser.add_argument("rows", nargs="*")
    asked = parser.parse_args()
    failed = 0
    with grounds[asked.of](asked.socket) as ground:
        listed = [e for e in ground.honoured() if not asked.rows or e.row in asked.rows]
        for group in groups(listed, ground.impacts):
            said = "ok"
            try:
                ground.play(group)
            except Exception as error:
                failed, said = failed + 1, f"{type(error).__name__}: {error}"
            print(f"{', '.join(entry.row for entry in group)}: {said}", flush=True)
    raise SystemExit(bool(failed))


if __name__ == "__main__":
    main()
