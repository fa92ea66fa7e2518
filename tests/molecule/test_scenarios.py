"""Every molecule scenario, run to its end; every role has one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = sorted(path.parent.name for path in ROOT.glob("molecule/*/molecule.yml"))
# It takes two servers, and as long as the others together: `make test-platforms` has it.
LONG = ("registry",)
PLAYED = [
    name for name in SCENARIOS if name not in LONG or os.environ.get("FLEET_SCENARIOS") == "all"
]


def test_every_role_has_a_scenario() -> None:
    roles = sorted(path.name for path in (ROOT / "roles").iterdir() if path.is_dir())
    assert set(roles) <= set(SCENARIOS)


@pytest.mark.parametrize("scenario", PLAYED)
def test_scenario(scenario: str, server_images: dict[str, str]) -> None:
    done = subprocess.run(
        ["molecule", "test", "--scenario-name", scenario],
        cwd=ROOT, env={**os.environ, "NO_COLOR": "1", "ANSIBLE_NOCOLOR": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout[-8000:]}\n{done.stderr[-8000:]}"
