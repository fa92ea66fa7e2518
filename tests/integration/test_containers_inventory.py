"""The inventory plugin over real ssh servers: what it lists, and tasks in what it has listed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.asking import ROOT, Desk
from tests.lab.boxes import docker
from tests.lab.listed import listed, source_file
from tests.lab.playbook import PLAIN
from tests.lab.sshd import Site
from tests.lab.ways import jump

# This machine's own Python, in a container that has none.
PYTHON = [word for part in ("usr", "lib", "lib64", "bin") for word in ("-v", f"/{part}:/{part}:ro")]

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="accounts to log in with are made by root"
)


@pytest.fixture(scope="module")
def project(engine: None) -> Iterator[str]:
    """Return the name of a project with two containers that run and one that does not."""
    tag = f"fleet-i-{uuid.uuid4().hex[:6]}"
    made = ("--network", "none", "--stop-signal", "KILL", "-e", "TOKEN=canary")
    labels = ("--label", f"com.docker.compose.project={tag}")
    try:
        for name in ("web", "db"):
            service = ("--label", f"com.docker.compose.service={name}", "--name", f"{tag}-{name}")
            docker("run", "-d", *made, *labels, *service, *PYTHON, "dev/busybox:1", "sleep", "1d")
        docker("create", *made, *labels, "--name", f"{tag}-off", "dev/busybox:1", "sleep", "1d")
        yield tag
    finally:
        docker("rm", "-f", *docker("ps", "-aq", "--filter", f"name=^{tag}-").split())


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    """Return hosts that are this machine, each reached in a way of its own."""
    site = Site(Path(tempfile.mkdtemp(prefix="fleet-in-")), prefix="fleet-in")
    try:
        dock, free = site.account("dock", groups=["docker"]), site.account("free", sudo="free")
        asked = site.account("asked", sudo="password")
        near, hop = site.sshd(dock).variables, site.sshd(free).variables
        become = {"ansible_become_password": asked.password, "ansible_become": True}
        hosts = {
            "forward": near,
            "alone": {**near, "ansible_ssh_args": "-o ControlMaster=no"},
            "relay": site.sshd(dock, "AllowStreamLocalForwarding no").variables,
            "password": site.password_sshd(dock).variables,
            "sudo": {**hop, "ansible_become": True},
            "asked": {**site.sshd(asked).variables, **become},
            "jump": jump(site, near, hop),
            "local": {"ansible_connection": "local"},
            "away": {**near, "ansible_port": 1},
        }
        yield Desk(site.folder, hosts, site.control)
    finally:
        site.stop()


def test_tasks_run_in_what_is_listed_by_every_way(desk: Desk, project: str) -> None:
    """Nothing is said about the containers but where to look; one host is away."""
    source = {"hosts": "all", "filters": {"label": [f"com.docker.compose.project={project}"]}}
    seen = listed(desk, source)
    reached = set(desk.hosts) - {"away"}
    expected = {f"{project}-{name}.{host}" for host in reached for name in ("web", "db")}
    assert seen.containers() == expected, seen.output
    assert "containers of away cannot be read" in " ".join(seen.output.split())
    group = f"project_{project}".replace("-", "_")
    assert set(seen.groups[group]) == expected
    assert set(seen.groups["service_db"]) == {f"{project}-db.{host}" for host in reached}
    forwards = set((desk.control / "fleet").iterdir())
    assert forwards
    path = source_file(desk.folder, source)
    told = desk.run(
        {
            "name": "say",
            "ansible.builtin.command": "printenv HOSTNAME TOKEN",
            "vars": {"ansible_python_interpreter": "python3"},
        },
        hosts=f"{group}:&service_web",
        options=("-i", str(path)),
    )
    name = f"{project}-web"
    hostname = docker("inspect", "-f", "{{.Config.Hostname}}", name)
    for host in reached:
        assert told.good(f"{name}.{host}", "say")["stdout_lines"] == [hostname, "canary"]
    assert set((desk.control / "fleet").iterdir()) == forwards, (
        "tasks have used those of the reading"
    )


def test_no_secret_is_copied_into_the_inventory(desk: Desk, project: str, tmp_path: Path) -> None:
    """Neither passwords of docker hosts nor what containers have in their environment."""
    source = {"hosts": "password:asked", "cache": True}
    source |= {"cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(tmp_path)}
    (desk.folder / "logins.json").write_text(json.dumps({"all": {"hosts": desk.hosts}}))
    sources = ["-i", str(desk.folder / "logins.json"), "-i", str(source_file(desk.folder, source))]
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-inventory")), *sources, "--list"],
        env={**os.environ, "ANSIBLE_CONFIG": str(PLAIN)}
        | {"ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections")}
        | {"ANSIBLE_SSH_CONTROL_PATH_DIR": str(desk.control)},
        cwd=desk.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    hosts = json.loads(done.stdout)["_meta"]["hostvars"]
    found = {name: one for name, one in hosts.items() if name not in desk.hosts}
    assert {f"{project}-web.password", f"{project}-db.asked"} <= set(found)
    (cache,) = tmp_path.iterdir()
    text = json.dumps(found) + cache.read_text()
    secrets = [
        str(desk.hosts["password"]["ansible_password"]),
        str(desk.hosts["asked"]["ansible_become_password"]),
        "canary",
    ]
    assert f"{project}-web" in cache.read_text()
    assert [secret for secret in secrets if secret in text] == []
