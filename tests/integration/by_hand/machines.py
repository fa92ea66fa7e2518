"""A machine that we described, with two disks, and what people do to it with virsh."""

from __future__ import annotations

import subprocess
import uuid
from pathlib import Path
from typing import Any, Optional
from xml.etree import ElementTree as ET

from tests.integration.by_hand.orders import Deed, Differs, Impossible, by_hand
from tests.lab.hostcore import run
from tests.lab.hypervisor import POOL, URI

FORGET = ("--managed-save", "--snapshots-metadata", "--checkpoints-metadata")
# What the disks hold: 64 KiB of one byte at their beginning.
PATTERNS = {"root": "0xa1", "data": "0xb2"}


class Machine:
    """The machine PREFIX; `made` are the domains that people made of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = f"hand-{uuid.uuid4().hex[:6]}"
        self.away = f"{self.name}-away"
        self.task: dict[str, Any] = {
            "name": self.name,
            "memory": "32MiB",
            "vcpus": 1,
            "disks": [{"size": "8MiB"}, {"name": "data", "size": "4MiB"}],
            "networks": ["default"],
            "stop_grace_period": "0s",
            "allow": ["live", "restart"],
        }
        self.renamed = False
        self.made: set[str] = set()
        self.snapshots: set[str] = set()
        self.files: list[Path] = []
        self.deeds: dict[str, Deed] = {
            name[3:]: getattr(self, name) for name in vars(Machine) if name.startswith("do_")
        }
        made = run({**self.task, "state": "stopped"}, URI).result
        assert not made.get("failed"), made["msg"]
        self.id = by_hand("virsh", "domuuid", self.name)
        for disk, pattern in PATTERNS.items():
            self.io(str(Path(POOL) / f"{self.name}-{disk}.qcow2"), f"write -P {pattern} 0 64k")
        assert self.run()["changed"] is True

    def close(self) -> None:
        """Remove all of it."""
        for name in (self.name, self.away, *self.made):
            for words in (
                ("destroy", name),
                (
                    "undefine",
                    name,
                    "--managed-save",
                    "--snapshots-metadata",
                    "--checkpoints-metadata",
                ),
            ):
                subprocess.run(["virsh", "-q", *words], capture_output=True, check=False)
        for path in [*Path(POOL).glob(f"{self.name}*"), *self.files]:
            path.unlink(missing_ok=True)
        by_hand("virsh", "pool-refresh", "default")

    def run(self, check: bool = False) -> dict[str, Any]:
        """Run the declaration."""
        return run(self.task, URI, check=check).result

    def io(self, path: str, command: str) -> str:
        """Read or write a disk as qemu-io does, a running machine's too."""
        mode = () if command.startswith("write") else ("-r", "-U")
        return by_hand("qemu-io", *mode, "-c", command, path)

    def document(self, name: str = "") -> ET.Element:
        """Return the configuration of the machine, whatever it is called by now."""
        return ET.fromstring(by_hand("virsh", "dumpxml", "--inactive", name or self.id))

    def disks(self) -> dict[str, str]:
        """Return the paths of the disks by their targets, as libvirt has them now."""
        lines = by_hand("virsh", "-q", "domblklist", "--inactive", self.id).splitlines()
        found = dict(line.split(None, 1) for line in lines)
        return {
            target: path.strip() if path.startswith("/") else str(Path(POOL) / path.strip())
            for target, path in found.items()
        }

    def lost(self) -> list[str]:
        """Return what is not there any more."""
        lost = [f"machine {name}" for name in (self.id, *self.made) if not _is(name)]
        lost += [f"snapshot {name}" for name in self.snapshots if not self._has_snapshot(name)]
        lost += [str(path) for path in self.files if not path.exists()]
        if not lost:
            paths = self.disks()
            for target, pattern in zip(("vda", "vdb"), PATTERNS.values()):
                told = self.io(paths[target], f"read -P {pattern} 0 64k") if target in paths else ""
                if not told or "verification failed" in told:
                    lost.append(f"data of {target}: {paths.get(target)} {told}")
        return lost

    def differing(self) -> Optional[Differs]:
        """Return what differs, as libvirt has it; None if the name is another's by now."""
        if self.renamed:
            return None
        tree = self.document()
        differs: set[str] = set()
        if int(tree.findtext("memory") or 0) != 32 * 1024:
            differs.add("memory")
        if int(tree.findtext("vcpu") or 0) != 1:
            differs.add("vcpus")
        if tree.find("devices/interface") is None:
            differs.add("networks")
        state = by_hand("virsh", "domstate", self.id)
        if state == "shut off":
            # What it ran with when it was saved comes back with it: of what is edited here, an
            # interface alone is another one then.
            saved = "networks" in differs and "Managed save: yes" in " ".join(
                by_hand("virsh", "dominfo", self.id).split()
            )
            differs |= {"state", *(("it came back as it was saved",) if saved else ())}
        elif state != "running" and "networks" not in differs:
            # A restart for the rest ends the pause too.
            differs.add("state")
        return frozenset(differs)

    def _has_snapshot(self, name: str) -> bool:
        return name in by_hand("virsh", "snapshot-list", "--name", self.id).splitlines()

    # ---- deeds
    def do_snapshot(self) -> None:
        """Take a snapshot inside the images."""
        by_hand("virsh", "snapshot-create-as", self.id, "inside")
        self.snapshots.add("inside")

    def do_overlay(self) -> None:
        """Take an external snapshot of both disks."""
        by_hand("virsh", "snapshot-create-as", self.id, "outside", "--disk-only")
        self.snapshots.add("outside")
        self.files += [Path(path) for path in self.disks().values() if path.endswith("outside")]

    def do_stop(self) -> None:
        by_hand("virsh", "destroy", self.id)

    def do_pause(self) -> None:
        by_hand("virsh", "suspend", self.id)

    def do_save(self) -> None:
        by_hand("virsh", "managedsave", self.id)

    def do_rename(self) -> None:
        by_hand("virsh", "domrename", self.id, self.away)
        self.renamed = True

    def do_clone(self) -> None:
        """Define another one from its document, with copies of its disks, as virt-clone does."""
        name = f"{self.name}-clone"
        text = by_hand("virsh", "dumpxml", "--inactive", self.id)
        tree = ET.fromstring(text)
        tree.find("name").text = name  # type: ignore[union-attr]
        for tag in ("uuid",):
            tree.remove(tree.find(tag))  # type: ignore[arg-type]
        for number, disk in enumerate(tree.findall("devices/disk")):
            source = disk.find("source")
            assert source is not None
            target = disk.find("target")
            assert target is not None
            old = self.disks()[str(target.get("dev"))]
            new = Path(POOL) / f"{name}-{number}.copy"
            by_hand("qemu-img", "convert", "-U", "-O", "qcow2", old, str(new))
            self.files.append(new)
            disk.set("type", "file")
            source.attrib = {"file": str(new)}
        for nic in tree.findall("devices/interface"):
            nic.remove(nic.find("mac"))  # type: ignore[arg-type]
        (self.folder / "clone.xml").write_text(ET.tostring(tree, encoding="unicode"))
        by_hand("virsh", "define", str(self.folder / "clone.xml"))
        self.made.add(name)

    def do_edit_memory(self) -> None:
        """Change memory as `virsh edit` does."""
        tree = self.document()
        for tag in ("memory", "currentMemory"):
            element = tree.find(tag)
            assert element is not None
            element.text = str(48 * 1024)
        (self.folder / "edited.xml").write_text(ET.tostring(tree, encoding="unicode"))
        by_hand("virsh", "define", str(self.folder / "edited.xml"))

    def do_edit_vcpus(self) -> None:
        by_hand("virsh", "setvcpus", self.id, "2", "--maximum", "--config")
        by_hand("virsh", "setvcpus", self.id, "2", "--config")

    def do_edit_title(self) -> None:
        by_hand("virsh", "desc", self.id, "--config", "--title", "by hand")

    def do_unplug(self) -> None:
        """Pull the cable: the link is down."""
        mac = self.document().find("devices/interface/mac")
        if mac is None:
            raise Impossible("it has none any more")
        by_hand("virsh", "domif-setlink", self.id, str(mac.get("address")), "down", "--config")

    def do_disconnect(self) -> None:
        mac = self.document().find("devices/interface/mac")
        if mac is None:
            raise Impossible("it has none any more")
        live = () if by_hand("virsh", "domstate", self.id) == "shut off" else ("--live",)
        words = ("virsh", "detach-interface", self.id, "network", str(mac.get("address")))
        by_hand(*words, "--config", *live)

    def do_move(self) -> None:
        """Move the data disk to another file while it is used, or by hand while it is not."""
        target = Path(POOL) / f"{self.name}-moved.qcow2"
        words = ("--wait", "--pivot", "--transient-job")
        by_hand("virsh", "blockcopy", self.id, "vdb", str(target), *words)
        self.files.append(target)

    def do_backup(self) -> None:
        """Back up both disks in full."""
        folder = Path(POOL)
        disks = "".join(
            f"<disk name='{target}' type='file'>"
            f"<target file='{folder}/{self.name}-{target}.bak'/></disk>"
            for target in ("vda", "vdb")
        )
        document = self.folder / "backup.xml"
        document.write_text(f"<domainbackup><disks>{disks}</disks></domainbackup>")
        by_hand("virsh", "backup-begin", self.id, str(document))
        while "None" not in by_hand("virsh", "domjobinfo", self.id).splitlines()[0]:
            continue
        self.files += [folder / f"{self.name}-{target}.bak" for target in ("vda", "vdb")]

    def do_copy(self) -> None:
        """Copy a disk's file, as many do."""
        copy = Path(POOL) / f"{self.name}-root.qcow2.bak"
        by_hand("qemu-img", "convert", "-U", "-O", "qcow2", self.disks()["vda"], str(copy))
        self.files.append(copy)

    def do_attach(self) -> None:
        """Attach a disk of one's own."""
        own = Path(POOL) / f"{self.name}-own.img"
        by_hand("qemu-img", "create", "-q", "-f", "raw", str(own), "1M")
        self.files.append(own)
        words = ("virsh", "attach-disk", self.id, str(own), "vdz", "--config", "--subdriver", "raw")
        by_hand(*words)


def _is(name: str) -> bool:
    try:
        by_hand("virsh", "domid", name)
    except Impossible:
        return False
    return True
