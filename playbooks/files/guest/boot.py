"""Take kernel and initial file system out of a Debian root: `boot.py ROOT DIR`.

The initial file system loads what the disk needs and nothing more: no udev, no search for the root,
which is /dev/vda.
"""

from __future__ import annotations

import shutil
import stat
import sys
from pathlib import Path
from typing import Dict, List

MODULES = ("virtio_pci", "virtio_blk", "crc32c_generic", "crc32c_intel", "ext4")
INIT = """#!/bin/sh
mount -t devtmpfs none /dev
for module in {modules}; do insmod /$module; done
tries=0
while ! mount -t ext4 -o rw,noatime /dev/vda /root; do
    tries=$((tries + 1))
    [ $tries -lt 50 ] || {{ echo 'initrd: no file system on /dev/vda'; exec sh; }}
    usleep 100000
done
mount --move /dev /root/dev
exec switch_root /root /sbin/init
"""


def modules(folder: Path) -> List[Path]:
    """Return the files of MODULES and of all they need, in the order of their loading."""
    needs: Dict[str, List[str]] = {}
    for line in (folder / "modules.dep").read_text().splitlines():
        path, _colon, others = line.partition(":")
        needs[path] = others.split()
    names = {Path(path).name.split(".")[0].replace("-", "_"): path for path in needs}
    order: List[str] = []
    # A driver that the kernel has built in has no file.
    for wanted in [names[name] for name in MODULES if name in names]:
        order += [one for one in [*reversed(needs[wanted]), wanted] if one not in order]
    return [folder / path for path in order]


def entry(number: int, name: str, mode: int, content: bytes) -> bytes:
    """Return one member of a cpio archive ("newc", Documentation/driver-api/early-userspace)."""
    fields = [number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0]
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    return _padded(head) + _padded(content)


def _padded(part: bytes) -> bytes:
    return part + b"\0" * (-len(part) % 4)


def archive(root: Path, files: List[Path]) -> bytes:
    """Return the initial file system: busybox, the modules and an init that mounts the root."""
    names = [path.name for path in files]
    init = INIT.format(modules=" ".join(names))
    applets = ("sh", "mount", "insmod", "usleep", "switch_root")
    members = [(name, stat.S_IFDIR | 0o755, b"") for name in ("bin", "dev", "root")]
    members += [("bin/busybox", stat.S_IFREG | 0o755, (root / "bin/busybox").read_bytes())]
    members += [(f"bin/{name}", stat.S_IFLNK | 0o777, b"busybox") for name in applets]
    members += [(path.name, stat.S_IFREG | 0o644, path.read_bytes()) for path in files]
    members += [("init", stat.S_IFREG | 0o755, init.encode()), ("TRAILER!!!", 0, b"")]
    return b"".join(entry(number, *member) for number, member in enumerate(members, 1))


def main() -> None:
    """Write DIR/vmlinuz and DIR/initrd.img."""
    root, target = Path(sys.argv[1]), Path(sys.argv[2])
    kernel = sorted(root.glob("boot/vmlinuz-*"))[-1]
    version = kernel.name.split("-", 1)[1]
    shutil.copyfile(kernel, target / "vmlinuz")
    files = modules(root / "lib/modules" / version)
    (target / "initrd.img").write_bytes(archive(root, files))


if __name__ == "__main__":
    main()
