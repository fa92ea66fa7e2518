"""The linters, each as one test whose failure shows what the linter said."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = {
    "ruff": ["ruff", "check", "."],
    "format": ["ruff", "format", "--check", "."],
    "mypy": ["mypy", "plugins"],
    # Our Ansible content; the case files of the unit tests are data.
    "ansible-lint": [
        *("ansible-lint", "--offline", "--strict", "--profile", "production"),
        *("roles", "playbooks", "molecule", "inventories", "meta", "galaxy.yml"),
    ],
    "changelog": ["antsibull-changelog", "lint"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_is_clean(name: str) -> None:
    done = subprocess.run(COMMANDS[name], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-6000:]}"


def test_nothing_is_skipped_or_ignored() -> None:
    config = [ROOT / name for name in (".ansible-lint", ".ansible-lint-ignore", ".config")]
    assert not [path.name for path in config if path.exists()]
    noqa = subprocess.run(
        ["git", "grep", "-nE", "# noqa", "--", "roles", "playbooks", "molecule"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert noqa.stdout == ""
