"""Images without a name, which builds of the tests leave behind: a second build takes the name.

They are removed once, when the last run of tests ends: what one process would take for left over
may be a layer of another one's build.
"""

from __future__ import annotations

import subprocess

from tests.lab.daemons import FOLDER

BEFORE = FOLDER / "images"


def note_images() -> None:
    """Note which images without a name are there, unless another process did."""
    if not BEFORE.exists():
        BEFORE.write_text("\n".join(_unnamed()))


def remove_images() -> None:
    """Remove the images without a name that were not there before."""
    if not BEFORE.exists():
        return
    made = set(_unnamed()) - set(BEFORE.read_text().splitlines())
    if made:
        subprocess.run(["docker", "rmi", *made], capture_output=True, check=False)
    BEFORE.unlink()


def _unnamed() -> list[str]:
    command = ["docker", "images", "--quiet", "--no-trunc", "--filter", "dangling=true"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.split()
