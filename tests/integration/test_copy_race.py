"""A container that turns a folder into a link while it is fetched does not lead the fetch out."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Callable

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.copy.resource import COPY

from tests.lab.amounts import amount
from tests.lab.boxes import docker
from tests.lab.tasks import do
from tests.lab.ways import SOCKET

# All of them by `make test-hostile`.
ROUNDS = amount(20, 200)
# In turns a folder with a file that is planted, and a link to the folder that is aimed at: what a
# program in the container does with its volume, quicker than a shell there could.
FLIPS = """
import ctypes, os, sys
os.chdir(sys.argv[1])
swap = ctypes.CDLL(None).renameat2
while True:
    swap(-100, b"tree/folder", -100, b"link", 2)  # AT_FDCWD, RENAME_EXCHANGE
"""


@pytest.fixture
def aim(tmp_path: Path) -> Path:
    """Return a folder of the controller that nothing is to be written to."""
    made = tmp_path / "precious"
    made.mkdir()
    return made


@pytest.fixture
def box(tmp_path: Path, aim: Path) -> Iterator[str]:
    """Run a container whose folder flips. It has a folder of the same path as the controller, so
    that the engine reads on behind the link.
    """
    (tmp_path / "box" / "tree" / "folder").mkdir(parents=True)
    (tmp_path / "box" / "tree" / "folder" / "planted").write_text("x")
    (tmp_path / "box" / "link").symlink_to(aim)
    made = f"fleet-race-{uuid.uuid4().hex[:8]}"
    inside = f"mkdir -p {aim}; echo x > {aim}/planted; exec sleep 1d"
    volume = f"{tmp_path}/box:/srv"
    docker("run", "-d", "-v", volume, "--name", made, "dev/busybox:1", "sh", "-c", inside)
    with subprocess.Popen([sys.executable, "-c", FLIPS, str(tmp_path / "box")]) as flips:
        try:
            yield made
        finally:
            flips.kill()
            docker("rm", "-f", made)


def test_every_fetch_stays_below_its_destination(
    box: str, aim: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    seen = dict.fromkeys(("whole", "refused", "with a link", "broken", "outside"), 0)
    for number in range(ROUNDS):
        out = tmp_path / f"out{number}"
        seen[fetched(box, out)] += 1
        seen["with a link"] += (out / "folder").is_symlink()
        for planted in aim.iterdir():
            seen["outside"] += 1
            planted.unlink()
    for what, count in seen.items():
        record_property(f"fetches {what}", count)
    print(seen)
    assert (seen["outside"], seen["broken"]) == (0, 0), seen
    assert seen["whole"] + seen["refused"] == ROUNDS


def fetched(name: str, out: Path) -> str:
    """Fetch the tree once; return how that ended."""
    try:
        result = do(COPY, SOCKET, container=name, src="/srv/tree", dest=str(out), fetch=True)
    except Exception as error:
        print(repr(error))
        return "broken"
    return "refused" if result.get("failed") else "whole"
