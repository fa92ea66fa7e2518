"""ansible-test sanity over the whole tree, without ignore files."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".cache" / "sanity"
# ansible-test would download pip's bootstrap script, and run it in each of its ten environments.
# This one is in its cache beforehand, needs no internet, and has them all use the pip of the tests.
GET_PIP = """import pathlib, sysconfig
pathlib.Path(sysconfig.get_path("purelib"), "pip.pth").write_text({folder!r})
"""

SAID = ("ERROR", "FATAL", "WARNING: Unable", "WARNING: Skipping")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Copy what Git would take to where ansible-test wants a collection: it refuses links."""
    target = tmp_path / "ansible_collections" / "dockyard" / "fleet"
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        source = ROOT / name
        if source.is_file() and not source.is_symlink():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)
    return target


def _pip_versions() -> list[str]:
    """Return the versions of pip that this ansible-test would download, by Python."""
    package = importlib.util.find_spec("ansible_test")
    assert package is not None
    assert package.submodule_search_locations is not None
    source = Path(package.submodule_search_locations[0]) / "_internal" / "python_requirements.py"
    return re.findall(r"pip='([0-9.]+)'", source.read_text())


def _lend_pip(home: Path) -> None:
    """Leave in a home what ansible-test takes for the bootstrap script of each pip it knows."""
    found = importlib.util.find_spec("pip")
    assert found is not None
    assert found.origin is not None
    folder, cache = home / "pip", home / ".ansible" / "test" / "cache"
    for each in (folder, cache):
        each.mkdir(parents=True, exist_ok=True)
    (folder / "pip").unlink(missing_ok=True)
    (folder / "pip").symlink_to(Path(found.origin).parent)
    for version in _pip_versions():
        script = cache / f"get_pip_{version.replace('.', '_')}.py"
        script.write_text(GET_PIP.format(folder=f"{folder}\n"))


def test_sanity(tree: Path) -> None:
    assert not list(tree.glob("tests/sanity/ignore-*.txt"))
    _lend_pip(HOME)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    command = ["ansible-test", "sanity", "--requirements", "--python", version, "--color", "no"]
    done = subprocess.run(
        command,
        cwd=tree,
        # What is compiled at its first use costs less than all that a wheel holds.
        env={**os.environ, "HOME": str(HOME), "PIP_NO_COMPILE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith(SAID)]
    assert done.returncode == 0, "\n".join(said)
