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
    # Without rstcheck, which finds in the generated pages what the generator is to blame for.
    "documentation": [
        *("antsibull-docs", "lint-collection-docs", "--plugin-docs", "--skip-rstcheck"),
        *("--validate-collection-refs", "all", "--disallow-unknown-collection-refs"),
        "collections/ansible_collections/dockyard/fleet",
    ],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_is_clean(name: str) -> None:
    done = subprocess.run(COMMANDS[name], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-6000:]}"


def test_the_documentation_makes_a_site_without_a_warning(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    command = ["antsibull-docs", "collection", "--use-current", "--fail-on-error"]
    command += ["--squash-hierarchy", "--dest-dir", str(tmp_path), "dockyard.fleet"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    made = {path.name for path in tmp_path.glob("*_module.rst")}
    assert made == {f"{path.stem}_module.rst" for path in (ROOT / "plugins/modules").glob("*.py")}


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
