"""Roles say in three places what they take: specs, defaults and README. The places agree."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.tools.examples import ROOT, Example, of_page, pages
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


def test_examples_about_hypervisors_machines_and_registries_are_what_molecule_runs() -> None:
    """They need a hypervisor or a port of nobody's; the other pages' examples run elsewhere."""
    others = {path.parent for path in pages()}
    left = [role.name for role in ROLES if role not in others]
    assert left == ["kvm_host", "machines", "registry"]
    (registry,) = examples("registry")
    assert registry.content == scenario("registry/converge.yml")
    hosts, inventory, plays, later = (
        example.content for role in ("kvm_host", "machines") for example in examples(role)
    )
    assert hosts == scenario("kvm_host/converge.yml")
    assert plays + later == scenario("machines/converge.yml")
    runs = scenario("machines/inventory/hosts.yml")
    # A container of ours takes the place of hv1, and a file there that of the image's address.
    example = inventory["hypervisors"]["hosts"]["hv1"]
    del example["ansible_host"], example["machines_images"][0]["url"]
    del runs["hypervisors"]["hosts"]["molecule-machines"]["machines_images"][0]["path"]
    inventory["machines"]["hosts"]["web01"]["machines_hypervisor"] = "molecule-machines"
    assert runs["hypervisors"]["hosts"] == {"molecule-machines": example}
    assert runs["machines"]["hosts"]["web01"] == inventory["machines"]["hosts"]["web01"]


def examples(role: str) -> list[Example]:
    return of_page(ROOT / "roles" / role / "README.md")


def scenario(file: str) -> Any:
    return yaml.safe_load((ROOT / "molecule" / file).read_text())


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_task_files_are_short(role: Path) -> None:
    long = {
        path.name: lines
        for path in role.glob("tasks/*.yml")
        if (lines := len(path.read_text().splitlines())) >= 60
    }
    assert not long


def test_no_task_takes_all_its_arguments_from_a_template() -> None:
    """Ansible warns of each where facts are variables too; dockyard.fleet.declared is the way."""
    files = [path for folder in ("roles", "playbooks") for path in (ROOT / folder).rglob("*.yml")]
    found = [path.name for path in files if re.search(r"\n  args: *(\"\{\{|>)", path.read_text())]
    assert found == []
