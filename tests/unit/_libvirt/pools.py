"""Directory pools in process: what base images need of libvirt, over real files.

libvirt's own test driver does not look at a pool's folder. This one does, at a refresh and only
then, as the real storage driver (9.0); the integration tests run on that.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, List, Optional

from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.client.hypervisor import (
    Hypervisor,
)

NO_POOL, NO_VOLUME = 49, 50  # VIR_ERR_NO_STORAGE_POOL, VIR_ERR_NO_STORAGE_VOL


class FakeError(Exception):
    """libvirt.libvirtError as Hypervisor.call looks at it."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code

    def get_error_code(self) -> int:
        return self.code

    def get_error_message(self) -> str:
        return str(self)


class FakeVolume:
    def __init__(self, pool: FakePool, name: str) -> None:
        self.pool, self._name = pool, name

    @property
    def path(self) -> Path:
        return self.pool.path / self._name

    def name(self) -> str:
        return self._name

    def XMLDesc(self, flags: int) -> str:
        words = ["qemu-img", "info", "-U", "--output=json", str(self.path)]
        seen = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)
        backing = seen.get("full-backing-filename", "")
        store = f"<backingStore><path>{backing}</path></backingStore>" if backing else ""
        return (
            f"<volume><name>{self._name}</name><capacity>{seen['virtual-size']}</capacity>"
            f"<target><path>{self.path}</path><format type='{seen['format']}'/></target>"
            f"{store}</volume>"
        )

    def storagePoolLookupByVolume(self) -> FakePool:
        return self.pool

    def delete(self, flags: int) -> None:
        self.path.unlink()
        self.pool.known.remove(self._name)


class FakePool:
    def __init__(self, name: str, path: Path, kind: str = "dir", active: bool = True) -> None:
        self._name, self.path, self.kind, self.active = name, path, kind, active
        self.known: List[str] = []
        self.refreshes = 0

    def name(self) -> str:
        return self._name

    def isActive(self) -> bool:
        return self.active

    def info(self) -> List[int]:
        return [2, 1 << 40, 0, 1 << 40]

    def XMLDesc(self, flags: int) -> str:
        return f"<pool type='{self.kind}'><target><path>{self.path}</path></target></pool>"

    def refresh(self, flags: int) -> None:
        self.refreshes += 1
        self.known = [one.name for one in self.path.iterdir() if one.stat().st_size]

    def listAllVolumes(self, flags: int) -> List[FakeVolume]:
        return [FakeVolume(self, name) for name in self.known]

    def storageVolLookupByName(self, name: str) -> FakeVolume:
        if name not in self.known:
            raise FakeError(NO_VOLUME, f"no storage vol with matching name '{name}'")
        return FakeVolume(self, name)


class FakeDomain:
    def __init__(self, name: str, path: Path) -> None:
        self._name, self._path = name, path

    def name(self) -> str:
        return self._name

    def XMLDesc(self, flags: int) -> str:
        disk = f"<disk type='file' device='disk'><source file='{self._path}'/></disk>"
        return f"<domain><devices>{disk}</devices></domain>"


class Pools(Hypervisor):
    """A hypervisor with pools and domains; `calls` are the names of the calls that were made."""

    def __init__(self, *pools: FakePool) -> None:
        self.uri = "fake:///"
        self.lib = SimpleNamespace(
            libvirtError=FakeError,
            VIR_DOMAIN_XML_INACTIVE=2,
            VIR_ERR_NO_DOMAIN=42,
            VIR_ERR_NO_STORAGE_POOL=NO_POOL,
            VIR_ERR_NO_STORAGE_VOL=NO_VOLUME,
        )
        self.pools: Dict[str, FakePool] = {pool.name(): pool for pool in pools}
        self.domains: List[FakeDomain] = []
        self.calls: List[str] = []
        self._connection = self

    def call(self, what: str, *args: Any, on: Any = None, missing: Any = ()) -> Any:
        self.calls.append(what)
        return super().call(what, *args, on=on, missing=missing)

    def storagePoolLookupByName(self, name: str) -> FakePool:
        found: Optional[FakePool] = self.pools.get(name)
        if found is None:
            raise FakeError(NO_POOL, f"no storage pool with matching name '{name}'")
        return found

    def storageVolLookupByPath(self, path: str) -> FakeVolume:
        for pool in self.pools.values():
            if Path(path).parent == pool.path and Path(path).name in pool.known:
                return FakeVolume(pool, Path(path).name)
        raise FakeError(NO_VOLUME, f"no storage vol with matching path '{path}'")

    def listAllStoragePools(self, flags: int) -> List[FakePool]:
        return list(self.pools.values())

    def listAllDomains(self, flags: int) -> List[FakeDomain]:
        return self.domains

    def worker(self) -> Hypervisor:
        return self

    def close(self) -> None:
        pass
