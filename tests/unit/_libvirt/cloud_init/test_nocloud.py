"""Seeds: what is written is read back, and other tools read the same."""

from __future__ import annotations

import random
import shutil
import string
import subprocess
from pathlib import Path

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import FleetError
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.cloud_init.nocloud import (
    read,
    write,
)

PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
SEED = {
    "user-data": b"#cloud-config\n{}\n",
    "meta-data": b'{"instance-id": "i-1"}\n',
    "vendor-data": b"",
    "network-config": b'{"version": 2}\n' * 300,
}
# A file system in each size of cluster that needs another reading of the tables.
SETS = {
    "seed": SEED,
    "nothing": {},
    "empty": {"user-data": b"", "meta-data": b""},
    "thirteen": {"a" * 13: b"x", "b" * 26: b"y" * 512, "c" * 14: b"z" * 513, "F1": b"short"},
    "many": {f"file-{number}": bytes([number]) * number * 100 for number in range(100)},
    "large": {"user-data": random.Random(1).randbytes(3 << 20), "meta-data": b"m"},
    "larger": {"user-data": random.Random(2).randbytes(40 << 20), "meta-data": b"m"},
}


@pytest.fixture
def tool(request: pytest.FixtureRequest) -> str:
    """Return the path of the program that the test names; skip where there is none."""
    if request.config.pluginmanager.has_plugin("tests.lab.session"):
        request.getfixturevalue("packages")
    name = request.param
    found = shutil.which(name, path=PATH)
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: dosfstools, mtools, util-linux)")
    return found


def image_file(folder: Path, files: dict[str, bytes]) -> Path:
    path = folder / "seed.img"
    path.write_bytes(write(files))
    return path


def output(*command: object) -> bytes:
    """Return what a program printed; a failure shows all of it."""
    done = subprocess.run([str(c) for c in command], capture_output=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr).decode(errors="replace")
    return done.stdout


@pytest.mark.parametrize("files", SETS.values(), ids=SETS)
def test_what_is_written_is_read_back(files: dict[str, bytes]) -> None:
    image = write(files)
    assert read(image) == files
    assert len(image) % 4096 == 0


def test_random_files_come_back() -> None:
    for number in range(300):
        chance = random.Random(number)
        letters = sorted(set(string.printable[:95]) - set('"*/:<>?\\| .'))
        names = {}
        for _file in range(chance.randrange(20)):
            name = "".join(chance.choices(letters, k=chance.randrange(1, 60)))
            names[name.upper()] = name
        sizes = (0, 1, 511, 512, 513, 4096, chance.randrange(70_000))
        files = {name: chance.randbytes(chance.choice(sizes)) for name in names.values()}
        assert read(write(files)) == files, f"random set {number}"


def test_equal_files_give_equal_images() -> None:
    assert write(SEED) == write(dict(reversed(SEED.items())))
    assert write(SEED) != write({**SEED, "vendor-data": b"x"})


def test_a_seed_takes_the_room_that_it_needs() -> None:
    assert len(write({"user-data": b"x" * 900, "meta-data": b"y" * 100})) == 4096
    for size in (10_000, 100_000, 1_000_000, 10_000_000):
        assert len(write({"user-data": b"x" * size})) < size * 1.02 + 4 * 4096


def test_a_volume_larger_than_its_image_is_read() -> None:
    assert read(write(SEED) + b"old bytes" * 1000) == SEED


@pytest.mark.parametrize(
    "image",
    [
        b"",
        b"\0" * 4096,
        write(SEED)[:1024],
        write(SEED).replace(b"dockyard", b"mkfs.fat"),
        # The first cluster of every file leads out of the file system.
        write(SEED).replace(b"\x21\x00\x02\x00", b"\x21\x00\xf0\x0f"),
    ],
    ids=["empty", "zeros", "cut off", "foreign", "chain"],
)
def test_another_image_is_one_clear_error(image: bytes) -> None:
    with pytest.raises(FleetError, match="damaged or not one of ours"):
        read(image)


@pytest.mark.parametrize("names", [["a/b"], ["a\n"], ["a."], [" a"], [""], ["x" * 256], ["a", "A"]])
def test_a_name_that_fat_cannot_hold_is_refused(names: list[str]) -> None:
    with pytest.raises(ValueError, match=r"cannot be the name|too long or there twice"):
        write(dict.fromkeys(names, b""))


def test_too_large_a_seed_is_refused() -> None:
    with pytest.raises(FleetError, match="too large for its seed"):
        write({"user-data": bytes(130 << 20)})


@pytest.mark.parametrize("tool", ["fsck.fat"], indirect=True)
@pytest.mark.parametrize("files", SETS.values(), ids=SETS)
def test_the_file_system_checker_finds_nothing(
    tool: str, files: dict[str, bytes], tmp_path: Path
) -> None:
    printed = output(tool, "-n", "-v", image_file(tmp_path, files)).decode()
    assert "12 bit entries" in printed
    # The label counts as one.
    assert f": {len(files) + 1} files, " in printed


@pytest.mark.parametrize("tool", ["mcopy"], indirect=True)
@pytest.mark.parametrize("files", SETS.values(), ids=SETS)
def test_mtools_reads_the_same_files(tool: str, files: dict[str, bytes], tmp_path: Path) -> None:
    image = image_file(tmp_path, files)
    target = tmp_path / "out"
    target.mkdir()
    if files:
        output(tool, "-n", "-i", image, "::*", target)
    assert {path.name: path.read_bytes() for path in target.iterdir()} == files


@pytest.mark.parametrize("tool", ["blkid"], indirect=True)
@pytest.mark.parametrize("files", SETS.values(), ids=SETS)
def test_blkid_sees_what_cloud_init_looks_for(
    tool: str, files: dict[str, bytes], tmp_path: Path
) -> None:
    image = image_file(tmp_path, files)
    seen = output(tool, "-p", "-o", "export", image).decode().splitlines()
    assert {"LABEL=cidata", "TYPE=vfat", "USAGE=filesystem"} <= set(seen)
    assert not [line for line in seen if line.startswith("PTTYPE")]
