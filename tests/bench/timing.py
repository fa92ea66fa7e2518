"""Run a play and get the time of each of its tasks; what a table row is."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "bench"
# ansible-core of the release that the collection is developed with, and what it is measured beside.
PACKAGES = ("ansible==12.3.0", "pygal==3.1.3")
FOR_TARGETS = ("requests",)

Task = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """One line of the table: paired seconds of ours and of what it stands beside."""

    what: str
    where: str
    ours: list[float]
    beside: list[float]
    goal: float | None = None

    def cells(self) -> list[str]:
        """Return the printed cells: medians, the median of the paired ratios and their range."""
        ratios = sorted(one / other for one, other in zip(self.ours, self.beside))
        ratio = statistics.median(ratios)
        goal = (
            ""
            if self.goal is None
            else f"{self.goal:.2f} {'met' if ratio <= self.goal else 'MISSED'}"
        )
        return [
            self.what,
            self.where,
            str(len(ratios)),
            f"{statistics.median(self.ours):.3f}",
            f"{statistics.median(self.beside):.3f}",
            f"{ratio:.2f}",
            f"{ratios[0]:.2f}-{ratios[-1]:.2f}",
            goal,
        ]


HEAD = ["what", "where", "runs", "ours s", "beside s", "ratio", "range", "goal"]


def table(rows: list[Row]) -> str:
    """Return the rows as aligned columns."""
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(HEAD))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip() for line in lines
    )


def install() -> None:
    """Have the other collection in a virtual environment of its own, and its library for hosts.

    What draws pictures is there as well.
    """
    stamp, text = CACHE / "stamp", "\n".join([*PACKAGES, *FOR_TARGETS])
    if stamp.exists() and stamp.read_text() == text:
        return
    venv.create(CACHE / "venv", clear=True, with_pip=True)
    pip = [str(CACHE / "venv/bin/pip"), "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, *PACKAGES], check=True)
    subprocess.run([*pip, "--target", str(CACHE / "lib"), *FOR_TARGETS], check=True)
    stamp.write_text(text)


class Stage:
    """Plays against hosts that are this machine; `variables` are their connection."""

    def __init__(
        self, folder: Path, variables: dict[str, Any], names: Sequence[str] = ("target",)
    ) -> None:
        self.folder = folder
        self.variables = variables
        self.names = names
        self.folder.mkdir(exist_ok=True)
        hosts = {name: {**variables, **LIBRARY} for name in names}
        (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts}}))
        (folder / "ansible.cfg").write_text("[defaults]\n")  # nobody's own settings

    def seconds(self, tasks: list[Task]) -> dict[str, list[float]]:
        """Run the tasks in one play and return the seconds of each, by name, in order."""
        self.run(tasks)
        times = json.loads((self.folder / "times.json").read_text())
        made: dict[str, list[float]] = {}
        for (name, begin), (_next, end) in zip(times, times[1:]):
            made.setdefault(name, []).append(end - begin)
        return made

    def run(self, tasks: list[Task], *flags: str) -> tuple[float, str]:
        """Run the tasks in one play; return the seconds of the whole command, and its output."""
        play = {"hosts": "all", "gather_facts": False, "tasks": tasks}
        # As people write it: Ansible reads a long file of JSON much faster.
        (self.folder / "play.yml").write_text(yaml.safe_dump([play], sort_keys=False))
        command = [str(CACHE / "venv/bin/ansible-playbook"), "-i", "hosts.json", "play.yml"]
        begin = time.monotonic()
        done = subprocess.run(
            [*command, *flags],
            cwd=self.folder,
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.monotonic() - begin
        if done.returncode:
            raise RuntimeError((done.stdout + done.stderr)[-4000:])
        return seconds, done.stdout

    def _environment(self) -> dict[str, str]:
        # PYTHONDONTWRITEBYTECODE stays unset, as users have it.
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(Path.home()),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_CONFIG": str(self.folder / "ansible.cfg"),
            "ANSIBLE_HOME": str(CACHE / "home"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
            "ANSIBLE_CALLBACK_PLUGINS": str(Path(__file__).parent / "callback"),
            "ANSIBLE_CALLBACKS_ENABLED": "task_times",
            "ANSIBLE_FORKS": "10",
            "ANSIBLE_PIPELINING": "true",
            "ANSIBLE_SSH_ARGS": "-o ControlMaster=auto -o ControlPersist=60s",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.folder.parent / "control"),
            "TASK_TIMES": str(self.folder / "times.json"),
        }


# Where the other collection's library lies on the hosts, which here are this machine.
LIBRARY = {"bench_library": str(CACHE / "lib")}
