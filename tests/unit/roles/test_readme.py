"""Roles say in three places what they take: specs, defaults and README. The places agree."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.tools.role_readme import renewed, roles

ROLES = roles()


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_readme_is_fresh(role: Path) -> None:
    assert (role / "README.md").read_text() == renewed(role), "run make docs"


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_specs_and_defaults_agree(role: Path) -> None:
    spec = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())
    declared = {
        name: option["default"]
        for name, option in spec["argument_specs"]["main"]["options"].items()
        if "default" in option
    }
    defaults = yaml.safe_load((role / "defaults" / "main.yml").read_text())
    assert defaults == declared


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_task_files_are_short(role: Path) -> None:
    long = {
        path.name: lines
        for path in role.glob("tasks/*.yml")
        if (lines := len(path.read_text().splitlines())) >= 60
    }
    assert not long
