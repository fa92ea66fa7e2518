"""What machines of the tests boot: a real kernel, or programs that fit into a boot sector."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from tests.lab.daemons import turn
from tests.lab.server_image import run

CACHE = Path(__file__).resolve().parents[2] / ".cache"
META = "linux-image-cloud-amd64"

# Both in 16-bit code, loaded to 0000:7c00 by the firmware, which leaves the disk's number in dl.
# mov dx,0x604; mov ax,0x2000; out dx,ax; jmp $: ACPI's power-off where QEMU's q35 has it.
SWITCHES_OFF = bytes.fromhex("ba0406 b80020 ef ebfe")
# xor ax,ax; mov ds,ax; again: mov si,7c14; mov ax,4300; int 13; add dword [7c1c],64; jmp again,
# and the packet for int 13: 64 sectors from 1000:0000 to sector 64 and up. It fills its disk.
FILLS_ITS_DISK = bytes.fromhex(
    "31c0 8ed8 be147c b80043 cd13 6683061c7c40 ebf0 1000 4000 00000010 4000000000000000"
)


def boot_disk(folder: Path, name: str, program: bytes) -> Path:
    """Write a qcow2 image in a folder whose boot sector is the program; return its path."""
    raw, image = folder / f"{name}.raw", folder / name
    raw.write_bytes(program.ljust(510, b"\0") + b"\x55\xaa" + bytes((1 << 20) - 512))
    words = ["qemu-img", "convert", "-f", "raw", "-O", "qcow2", str(raw), str(image)]
    subprocess.run(words, check=True)
    raw.unlink()
    return image


def kernel() -> Path:
    """Return a kernel for guests: the demonstration's if it was built here, else Debian's own."""
    built, kept = CACHE / "guest" / "vmlinuz", CACHE / "kernel" / "vmlinuz"
    with turn("kernel"):
        if built.exists() or kept.exists():
            return built if built.exists() else kept
        kept.parent.mkdir(parents=True, exist_ok=True)
        _download(kept)
    return kept


def _download(target: Path) -> None:
    """Take the kernel out of its package, without installing anything."""
    work = target.parent / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    run("apt-get", "-qq", "update")
    found = re.search(r"Depends: (linux-image-\S+-cloud-\S+)", run("apt-cache", "depends", META))
    if found is None:
        raise RuntimeError(f"apt has no kernel for guests: {META} needs none")
    get = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", found[1]]
    run("sh", "-c", 'cd "$1"; shift; "$@"', "-", str(work), *get)
    (package,) = work.glob("*.deb")
    run("dpkg-deb", "-x", str(package), str(work / "tree"))
    (unpacked,) = work.glob("tree/boot/vmlinuz-*")
    unpacked.rename(target)
    shutil.rmtree(work)
