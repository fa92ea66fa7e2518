"""What users get: the tarball works without the repository, and the example fleet is sound."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.checkout import Checkout, Run

OURS = {"tests", "molecule", "collections", ".cache", ".venv", ".git", ".ci", "__pycache__"}
OURS |= {".github", ".gitlab-ci.yml"}
PASSWORD = "example"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    tree = Checkout(tmp_path_factory.mktemp("tree"))
    # What a used checkout holds besides: none of it may be packed.
    names = (".cache/demo/record.json", "playbooks/demo/page/bin/busybox", ".venv/bin/python")
    for name in (*names, "inventories/local/.known_hosts"):
        (tree.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (tree.folder / name).write_text("left by a run\n")
    return tree


@pytest.fixture(scope="module")
def tarball(tree: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    built = tree.command("ansible-galaxy", "collection", "build", "--output-path", str(folder))
    assert built.code == 0, built.output
    return next(folder.glob("dockyard-fleet-*.tar.gz"))


def test_it_contains_no_test_no_cache_and_no_link(tarball: Path) -> None:
    with tarfile.open(tarball) as archive:
        members = archive.getmembers()
    assert {"plugins/modules/container.py", "playbooks/site.yml"} <= {m.name for m in members}
    assert [m.name for m in members if m.issym() or m.islnk()] == []
    found = [
        m.name for m in members if set(Path(m.name).parts) & {*OURS, "busybox", ".known_hosts"}
    ]
    assert found == []


def test_a_play_works_from_the_installed_one(
    tarball: Path, tmp_path: Path, tree: Checkout, engine: None
) -> None:
    installed = tmp_path / "installed"
    options = ("collection", "install", "--offline", str(tarball), "-p", str(installed))
    assert tree.command("ansible-galaxy", *options, paths=[installed]).code == 0
    play = [
        {
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            "roles": ["dockyard.fleet.workloads"],
            "vars": {"workloads_containers": [{"name": "e2e-installed", "image": "dev/busybox:1"}]},
        }
    ]
    (tmp_path / "play.json").write_text(json.dumps(play))
    made = absent = Run("", 1)
    try:
        made = play_in(tree, installed, str(tmp_path / "play.json"))
    finally:
        play[0]["vars"] = {"workloads_containers": [{"name": "e2e-installed", "state": "absent"}]}
        (tmp_path / "play.json").write_text(json.dumps(play))
        absent = play_in(tree, installed, str(tmp_path / "play.json"))
    assert made.changed == {"localhost": 1}
    assert absent.changed == {"localhost": 1}


def test_the_engine_of_the_workloads_can_be_set(tree: Checkout, tmp_path: Path) -> None:
    """By the role's variable, by module_defaults, and by an entry, which goes first."""
    nowhere, elsewhere = ({"engine_host": f"unix:///{name}.sock"} for name in ("nowhere", "else"))
    entry = {"name": "e2e-engine", "image": "dev/busybox:1"}
    role = {"hosts": "localhost", "connection": "local", "gather_facts": False}
    role["roles"] = ["dockyard.fleet.workloads"]
    defaults = {"group/dockyard.fleet.containers": nowhere}
    plays: list[tuple[dict[str, Any], str]] = [
        ({"vars": {"workloads_engine": nowhere, "workloads_containers": [entry]}}, "/nowhere.sock"),
        ({"vars": {"workloads_containers": [entry]}, "module_defaults": defaults}, "/nowhere.sock"),
        (
            {
                "vars": {
                    "workloads_engine": nowhere,
                    "workloads_volumes": [{"name": "e2e-engine", **elsewhere}],
                }
            },
            "/else.sock",
        ),
        ({"vars": {"workloads_engine": {"engine_hots": "x"}}}, "engine_hots"),
    ]
    for play, said in plays:
        (tmp_path / "play.json").write_text(json.dumps([{**role, **play}]))
        done = play_in(tree, tree.folder / "collections", str(tmp_path / "play.json"))
        assert done.code == 2
        assert said in done.output


def play_in(tree: Checkout, installed: Path, playbook: str) -> Run:
    options = ("-i", "localhost,", "-e", "ansible_python_interpreter=/usr/bin/python3")
    return tree.command("ansible-playbook", *options, playbook, paths=[installed])


def test_the_example_fleet_is_sound(tree: Checkout, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    vault = ("--vault-password-file", str(password))
    fleet = ("-i", "inventories/example")
    listed = tree.command("ansible-inventory", *fleet, "--list", *vault)
    hosts = json.loads(listed.output)["_meta"]["hostvars"]
    assert "workloads_containers_base" in hosts["beta.example.com"]
    assert "workloads_containers_shop" not in hosts["beta.example.com"]
    assert "workloads_containers_shop" in hosts["alpha.example.com"]
    checked = tree.command(
        "ansible-playbook", *fleet, "--syntax-check", "playbooks/site.yml", *vault
    )
    assert checked.code == 0, checked.output
    text = (tree.folder / "inventories/example/group_vars/shop/vault.yml").read_text()
    assert text.startswith("$ANSIBLE_VAULT")


def test_the_example_machines_are_sound(tree: Checkout, tmp_path: Path, hypervisor: None) -> None:
    """Plan them on this machine's libvirt, in the place of both hypervisors."""
    password = tmp_path / "password"
    password.write_text(PASSWORD)
    here = {
        "ansible_connection": "local",
        "ansible_python_interpreter": "/usr/bin/python3",
        "ansible_become": False,
        "site_libvirt": False,
        "debian_site": tmp_path.as_uri(),
    }
    name = "bookworm/20260101-1000/debian-12-genericcloud-amd64-20260101-1000.qcow2"
    (tmp_path / name).parent.mkdir(parents=True)
    (tmp_path / name).touch()
    options = ("--check", "--limit", "hypervisors:machines", "--tags", "hypervisors,machines")
    vault = ("--vault-password-file", str(password), "-e", json.dumps(here))
    done = tree.play("playbooks/site.yml", *options, *vault, inventory="inventories/example")
    machines = {"web01", "web02", "db01", "build01"}
    assert done.changed.keys() == {"hyper1.example.com", "hyper2.example.com", *machines}
    for name in machines:
        assert f"deferred: vm/{name} comes first" in done.output
    assert "deferred: container/web" in done.output
