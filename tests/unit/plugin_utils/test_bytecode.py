"""What Ansible imports of this collection is compiled once, and again when it has changed."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.playbook import PLAIN, PROGRAM

ROOT = Path(__file__).resolve().parents[3]
PLAY = """\
- hosts: localhost
  gather_facts: false
  tasks:
    - dockyard.fleet.stack:
        colour: red
"""
MODULE = "plugins/module_utils/_desired/input_checks.py"


class Installed:
    """The collection in a folder of its own, and a play with an option that it does not know."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.place = folder / "ansible_collections" / "dockyard" / "fleet"
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "plugins", self.place / "plugins", ignore=ignored)
        for name in ("meta/runtime.yml", "galaxy.yml"):
            (self.place / name).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, self.place / name)
        (folder / "play.yml").write_text(PLAY)
        source = self.place / MODULE
        self.source, self.compiled = source, Path(importlib.util.cache_from_source(str(source)))

    def says(self, **environment: str) -> str:
        """Run the play and return what it printed."""
        done = subprocess.run(
            [PROGRAM, "-i", "localhost,", "-c", "local", str(self.folder / "play.yml")],
            env={
                "PATH": os.environ["PATH"],
                "LC_ALL": "C.UTF-8",
                "ANSIBLE_CONFIG": str(PLAIN),
                "ANSIBLE_HOME": str(self.folder / "home"),
                "ANSIBLE_COLLECTIONS_PATH": str(self.folder),
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2, done.stdout + done.stderr
        return done.stdout + done.stderr

    def forge(self) -> None:
        """Put other words into what is compiled, as if that came of the same source."""
        about = self.source.stat()
        words = self.source.read_text()
        self.source.write_text(words.replace("unknown option", "foreign option"))
        os.utime(self.source, ns=(about.st_atime_ns, about.st_mtime_ns))
        subprocess.run([sys.executable, "-m", "py_compile", str(self.source)], check=True)
        self.source.write_text(words)
        os.utime(self.source, ns=(about.st_atime_ns, about.st_mtime_ns))


@pytest.fixture
def installed(tmp_path: Path) -> Installed:
    return Installed(tmp_path)


def test_it_is_compiled_in_the_first_run_and_after_a_change(installed: Installed) -> None:
    assert "colour: unknown option" in installed.says()
    assert installed.compiled.exists()
    installed.forge()
    assert "colour: foreign option" in installed.says()
    with installed.source.open("a") as source:
        source.write("# changed\n")
    assert "colour: unknown option" in installed.says()


def test_nothing_is_written_where_that_is_not_wanted(installed: Installed) -> None:
    assert "colour: unknown option" in installed.says(PYTHONDONTWRITEBYTECODE="1")
    assert not list(installed.place.rglob("*.pyc"))
