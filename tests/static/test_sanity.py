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
# ansible-test would download pip's bootstrap script; where no internet is, the cached one is used,
# and the pip that comes with Python does.
GET_PIP = """import subprocess, sys
subprocess.check_call([sys.executable, "-m", "ensurepip"])
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


def test_sanity(tree: Path) -> None:
    assert not list(tree.glob("tests/sanity/ignore-*.txt"))
    cache = HOME / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in _pip_versions():
        (cache / f"get_pip_{version.replace('.', '_')}.py").write_text(GET_PIP)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    command = ["ansible-test", "sanity", "--requirements", "--python", version, "--color", "no"]
    done = subprocess.run(
        command,
        cwd=tree,
        env={**os.environ, "HOME": str(HOME)},
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith(SAID)]
    assert done.returncode == 0, "\n".join(said)
