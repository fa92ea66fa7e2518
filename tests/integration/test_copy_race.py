"""A container that turns a folder into a link while it is fetched does not lead the fetch out."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Callable

from ansible_collections.dockyard.fleet.plugins.module_utils._engine.copy import COPY

from tests.lab.boxes import docker
from tests.lab.tasks import do
from tests.lab.ways import SOCKET

# All of them by `make test-hostile`.
ROUNDS = 200 if os.environ.get("FLEET_HOSTILE") == "all" else 20
# In turns a folder with a file that is planted, and a link to the folder that is aimed at; in the
# container there is one of that path too, so that the engine reads on behind the link.
FLIPS = """
mkdir -p /srv/tree {aim}; echo x > {aim}/planted
cd /srv/tree; mkdir folder; echo x > folder/planted; ln -s {aim} link
while :; do mv folder ../a; ln -s {aim} folder; rm folder; mv ../a folder; done
"""


def test_every_fetch_stays_below_its_destination(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    aim = tmp_path / "precious"
    aim.mkdir()
    name = f"fleet-race-{uuid.uuid4().hex[:8]}"
    docker("run", "-d", "--name", name, "dev/busybox:1", "sh", "-c", FLIPS.format(aim=aim))
    seen = dict.fromkeys(("whole", "refused", "with a link", "broken", "outside"), 0)
    try:
        for number in range(ROUNDS):
            out = tmp_path / f"out{number}"
            seen[fetched(name, out)] += 1
            seen["with a link"] += (out / "folder").is_symlink()
            for planted in aim.iterdir():
                seen["outside"] += 1
                planted.unlink()
    finally:
        docker("rm", "-f", name)
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
