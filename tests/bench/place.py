"""Where measurements take place: this machine as a host, and what they make on its engine."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.timing import Stage, install
from tests.lab.sshd import Site

IMAGE = "dev/busybox:1"
PREFIX = "fleet-bench"
# Ends at once when it is told to, so that removing is not a measurement of waiting.
COMMAND = ["sh", "-c", "trap 'exit 0' TERM; sleep 1d & wait"]
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": "/usr/bin/python3"}


@contextmanager
def host() -> Iterator[dict[str, Stage]]:
    """Have this machine as a host, by itself and, for root who can make an account, over ssh."""
    install()
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}-"))
    site = None
    try:
        made = {"local": Stage(folder / "local", LOCAL)}
        if os.geteuid() == 0:
            site = Site(folder, prefix=PREFIX)
            server = site.sshd(site.account("dock", groups=["docker"]))
            made["ssh"] = Stage(folder / "ssh", dict(server.variables))
        yield made
    finally:
        remove_all()
        if site is not None:
            site.stop()
        shutil.rmtree(folder, ignore_errors=True)


def remove_all() -> None:
    """Remove every container and network of the measurements."""
    for kind, remove in (("ps -aq", "rm -f"), ("network ls -q", "network rm")):
        named = ["docker", *kind.split(), "--filter", f"name=^{PREFIX}-"]
        left = subprocess.run(named, capture_output=True, text=True, check=True).stdout.split()
        if left:
            subprocess.run(["docker", *remove.split(), *left], capture_output=True, check=True)
