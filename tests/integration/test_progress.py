"""What a user sees of a build that takes long: on a terminal, through a pipe, and cut short."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.playbook import PLAIN, home
from tests.lab.screen import Run

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = str(Path(sys.executable).with_name("ansible-playbook"))
# What the build prints would clear the screen, and set the title of the window.
DOCKERFILE = """\
FROM scratch
COPY busybox /bin/busybox
RUN ["/bin/busybox", "printf", "\\\\033[2J\\\\033]0;title\\\\007Step 1/1 : RUN oops\\\\r"]
RUN ["/bin/busybox", "env", "RUN={unique}", "/bin/busybox", "sleep", "{seconds}"]
LABEL last=true
"""
PLAY = """\
- hosts: web1,web2,web3
  gather_facts: false
  strategy: free
  tasks:
    - name: Build
      dockyard.fleet.image:
        name: {name}
        build:
          context: app
          builder: classic
      when: inventory_hostname == "web1"
    - name: Print
      ansible.builtin.command: echo {{{{ item }}}}
      loop: [1, 2, 3, 4, 5, 6]
      when: inventory_hostname != "web1"
"""
INVENTORY = """\
[all]
web1
web2
web3
[all:vars]
ansible_connection=local
ansible_python_interpreter=/usr/bin/python3
"""


class Building:
    """A play that builds an image of its own for some seconds, while other hosts print."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = f"fleet-progress-{uuid.uuid4().hex[:8]}:1"
        (folder / "app").mkdir()
        shutil.copy(shutil.which("busybox") or "/bin/busybox", folder / "app" / "busybox")
        (folder / "play.yml").write_text(PLAY.format(name=self.name))
        (folder / "inventory").write_text(INVENTORY)
        self.command = [PROGRAM, "-i", str(folder / "inventory"), str(folder / "play.yml")]
        self.environment = {
            # Nothing else of this run: a setting of Ansible's, or CI's, decides what is drawn.
            **{name: os.environ[name] for name in ("PATH", "LC_ALL") if name in os.environ},
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
            "ANSIBLE_CONFIG": str(PLAIN),
            "ANSIBLE_HOME": home(),
            "TERM": "xterm",
        }

    def last(self, seconds: int) -> None:
        """Have the build take so long, and no cache know it."""
        text = DOCKERFILE.format(seconds=seconds, unique=uuid.uuid4().hex)
        (self.folder / "app" / "Dockerfile").write_text(text)

    def piped(self, **environment: str) -> str:
        done = subprocess.run(
            self.command,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stderr


@pytest.fixture
def building(engine: None, tmp_path: Path) -> Iterator[Building]:
    made = Building(tmp_path)
    try:
        yield made
    finally:
        subprocess.run(["docker", "rmi", "-f", made.name], capture_output=True, check=False)


def test_on_a_terminal_a_line_is_rewritten_and_gone_in_the_end(building: Building) -> None:
    building.last(4)
    status = f"web1: image/{building.name}: building, step 4/6 RUN, "
    with Run(building.command, building.environment, 120) as program:
        assert program.wait(120) == 0
        lines = program.screen.lines
    assert not any("building" in line for line in lines)
    assert any(line.startswith("changed: [web1]") for line in lines)
    assert sum(line.startswith("changed: [web2] => (item=") for line in lines) == 6
    assert any(re.match(r"web1 +: ok=1 +changed=1 ", line) for line in lines)
    drawn = {line for frame in program.frames for line in frame if "building" in line}
    seconds = {line.removeprefix(status) for line in drawn if line.startswith(status)}
    assert len(seconds) >= 2
    # Each line is whole, and is drawn below what others have printed.
    whole = re.compile(r"web1: \S+: building, step \d/6 [A-Z]+, \d+ s")
    assert all(whole.fullmatch(line) for line in drawn)
    assert not any(set(frame[:-1]) & drawn for frame in program.frames)


def test_ctrl_c_leaves_a_sane_terminal(building: Building) -> None:
    building.last(30)
    with Run(building.command, building.environment, 120) as program:
        program.shows("building, step 4/6")
        program.send(b"\x03")
        assert program.wait(30) == 99
        assert program.is_sane()
        assert not any("building" in line for line in program.screen.lines)
        assert any("User interrupted execution" in line for line in program.screen.lines)


def test_through_a_pipe_there_is_a_line_now_and_then(building: Building) -> None:
    building.last(8)
    lines = [line for line in building.piped().splitlines() if "building" in line]
    status = rf"web1: image/{re.escape(building.name)}: building, step [34]/6 RUN, (\d+) s"
    matches = [re.fullmatch(status, line) for line in lines]
    times = [int(match[1]) for match in matches if match]
    assert len(times) == len(lines) >= 1
    # On a busy machine it takes longer.
    assert all(later - before >= 9 for before, later in zip([-4, *times], times))
    building.last(7)
    assert "building" not in building.piped(DOCKYARD_PROGRESS="off")
