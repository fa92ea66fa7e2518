"""Run vm_image as its front ends do, over directory pools in process and a local publisher."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Optional

from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import EngineMissing
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.client.options import (
    libvirt_options,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.image.resource import VM_IMAGE

from tests.lab.core import run_validated, validated
from tests.unit._libvirt.origin import Origin
from tests.unit._libvirt.pools import FakePool, Pools

MIB = 1 << 20


def sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def qemu_img(*words: str) -> str:
    return subprocess.run(["qemu-img", *words], capture_output=True, text=True, check=True).stdout


def raw_disk(mark: bytes = b"one", size: int = MIB) -> bytes:
    """Return a small raw disk with a mark that tells it from others."""
    return (b"\0" * 4096 + mark).ljust(size, b"\0")


@functools.cache
def qcow2(mark: bytes = b"one", size: int = MIB) -> bytes:
    """Return a qcow2 image of a raw disk."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "made.raw"), Path(folder, "made.qcow2")
        source.write_bytes(raw_disk(mark, size))
        qemu_img("convert", "-f", "raw", "-O", "qcow2", str(source), str(target))
        return target.read_bytes()


class Images:
    """The pool `default`, a publisher, and the task's way through the core."""

    def __init__(self, folder: Path, origin: Origin) -> None:
        self.folder = folder
        self.pool = FakePool("default", folder / "pool")
        self.pool.path.mkdir()
        self.host = Pools(self.pool)
        self.origin = origin

    def run(
        self, check: bool = False, pending: Optional[Mapping[str, Any]] = None, **params: Any
    ) -> Dict[str, Any]:
        """Run a task about debian-12; it has no patience unless it says so."""
        given = {"name": "debian-12", "retries": 0, "timeout": "5s", **params}
        options = validated({**libvirt_options(), **VM_IMAGE.spec()}, given)
        return run_validated(VM_IMAGE, options, self._connect, check, pending)

    def _connect(self) -> Pools:
        if "default" not in self.host.pools and not self.host.pools:
            raise EngineMissing("no libvirt here")
        return self.host

    def publish(self, data: bytes, name: str = "base.qcow2") -> Dict[str, Any]:
        """Publish a file; return the options of a task that wants it."""
        self.origin.files[f"/{name}"] = data
        return {"url": f"{self.origin.url}/{name}", "checksum": sha256(data)}

    @property
    def files(self) -> List[str]:
        """What is in the pool's folder, hidden files included."""
        return sorted(path.name for path in self.pool.path.iterdir())

    @property
    def parts(self) -> List[Path]:
        """The temporary files."""
        return sorted(path for path in self.pool.path.iterdir() if path.name.startswith("."))


@contextlib.contextmanager
def nobody_listens() -> Iterator[None]:
    """Let this process's output be a pipe that nobody reads, as of a task that was given up."""
    kept = os.dup(1)
    reader, writer = os.pipe()
    os.dup2(writer, 1)
    os.close(writer)
    os.close(reader)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def volume(checksum: str, name: str = "debian-12") -> str:
    return f"{name}-{checksum.partition(':')[2][:12]}.qcow2"
