"""The pipelines for the usual hosts: the suite by `.ci/run` on bare Debian, nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
RELEASES = ["12", "13"]
NEEDED = {"git", "make", "python3"}


def github() -> tuple[str, list[str], list[str]]:
    """Return a job's image, its releases of Debian, and its commands in their order."""
    # BaseLoader: `on` is a word there, and no boolean.
    path = ROOT / ".github" / "workflows" / "test.yml"
    job: dict[str, Any] = yaml.load(path.read_text(), yaml.BaseLoader)["jobs"]["suite"]
    commands = [step["run"] for step in job["steps"] if "run" in step]
    image = job["container"]["image"].replace("${{ matrix.debian }}", "$DEBIAN")
    assert "--privileged" in job["container"]["options"].split()
    return image, job["strategy"]["matrix"]["debian"], commands


def gitlab() -> tuple[str, list[str], list[str]]:
    """Return the same of the other host's."""
    job = yaml.safe_load((ROOT / ".gitlab-ci.yml").read_text())["suite"]
    commands = [*job["before_script"], *job["script"]]
    return job["image"], job["parallel"]["matrix"][0]["DEBIAN"], commands


@pytest.mark.parametrize("host", [github, gitlab])
def test_the_suite_runs_on_bare_debian(host: Any) -> None:
    image, releases, commands = host()
    assert (image, releases) == ("debian:$DEBIAN", RELEASES)
    assert commands[-1] == ".ci/run"
    installing = " ".join(commands[:-1])
    assert set(installing.split()) >= NEEDED
    assert "pip" not in installing
