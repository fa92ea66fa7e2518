"""Every example of the documentation runs as it is written, and a second time changes nothing.

They run on a server of their own, since their names are those that users have too.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab.amounts import ways
from tests.lab.playbook import run_playbook
from tests.lab.registry import HTPASSWD, PASSWORD, USER, program
from tests.lab.servers import Server, start, stop
from tests.tools.examples import ROOT, Example, of_modules, of_pages, pages, twice

FOLDER = Path(__file__).parent / "examples"
# What the examples take from the inventory.
VARIABLES = {
    "web_token": "of no use to anybody",
    "vault_web_token": "of no use either",
    "registry": "127.0.0.1:5000",
    "registry_user": USER,
    "registry_password": PASSWORD,
}


class Desk:
    """A folder to write playbooks in, beside the build contexts, and the server they are for."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.folder = folder
        self.server = server
        for name in ("shop", "web"):
            shutil.copytree(FOLDER / name, folder / name)
        shutil.copy(shutil.which("busybox") or "/bin/busybox", folder / "web" / "busybox")

    def install(self) -> None:
        """Have a registry on the server, which prepare.sh starts."""
        target = f"{self.server.name}:/usr/local/bin/docker-registry"
        subprocess.run(["docker", "cp", str(program()), target], check=True, capture_output=True)
        self.server.exec("sh", "-c", f"printf '%s' '{HTPASSWD}' >/etc/htpasswd")

    def prepare(self) -> None:
        """Have on the server what the examples refer to, whatever an earlier one left."""
        self.server.exec("sh", "-c", (FOLDER / "prepare.sh").read_text())

    def play(self, text: str, inventory: Any, *options: str, playbook: Path | None = None) -> str:
        """Run a playbook, by default one of the given text, and return what was printed."""
        book = self.folder / "play.yml"
        book.write_text(text)
        hosts = self.folder / "hosts.yml"
        hosts.write_text(inventory if isinstance(inventory, str) else json.dumps(inventory))
        environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "NO_COLOR": "1"}
        arguments = ["-i", str(hosts), *options, str(playbook or book)]
        done = run_playbook(arguments, ROOT, environment)
        output = done.stdout + done.stderr
        assert done.returncode == 0, output[-6000:]
        return output

    def groups(self, *names: str, user: str = "dock") -> dict[str, Any]:
        """Return an inventory with the server in these groups."""
        variables = {**self.server.inventory_vars(user), **VARIABLES}
        variables["build_host"] = self.server.name
        hosts = {self.server.name: variables}
        return {"all": {"hosts": hosts, "children": {name: {"hosts": hosts} for name in names}}}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    name = f"fleet-doc-{uuid.uuid4().hex[:8]}"
    folder = tmp_path_factory.mktemp("examples")
    try:
        (server,) = start([name], folder / "server", variant="docker")
        made = Desk(folder, server)
        made.install()
        made.prepare()
        yield made
    finally:
        stop([name])


def show(example: Example) -> str:
    return example.name


@pytest.mark.parametrize("example", of_modules(), ids=show)
@pytest.mark.parametrize("via", ways())
def test_examples_of_a_module(desk: Desk, example: Example, via: str) -> None:
    desk.prepare()
    defaults = {"group/dockyard.fleet.containers": {"engine_via": via}}
    play = {"hosts": "all", "gather_facts": False, "module_defaults": defaults}
    desk.play(yaml.safe_dump([{**play, "tasks": twice(example.content)}]), desk.groups())


@pytest.mark.parametrize("example", [e for e in of_pages() if e.kind == "tasks"], ids=show)
def test_tasks_of_a_page(desk: Desk, example: Example) -> None:
    desk.prepare()
    play = {"hosts": "all", "gather_facts": False, "tasks": twice(example.content)}
    desk.play(yaml.safe_dump([play]), desk.groups())


@pytest.mark.parametrize("example", [e for e in of_pages() if e.kind == "plays"], ids=show)
def test_plays_of_a_page(desk: Desk, example: Example) -> None:
    desk.prepare()
    user = "root" if any(play.get("become") for play in example.content) else "dock"
    inventory = desk.groups(*{play["hosts"] for play in example.content}, user=user)
    desk.play(example.text, inventory)
    assert_unchanged(desk.play(example.text, inventory))


@pytest.mark.parametrize("example", [e for e in of_pages() if e.kind == "inventory"], ids=show)
def test_inventories_of_a_page(desk: Desk, example: Example) -> None:
    """Use the inventory as it is written; only how its host is reached comes from outside."""
    desk.prepare()
    extra = json.dumps({**desk.server.inventory_vars("root"), **VARIABLES})
    site = ROOT / "playbooks" / "site.yml"
    desk.play("[]", example.text, "-e", extra, "--check", "--diff", playbook=site)
    desk.play("[]", example.text, "-e", extra, playbook=site)
    assert_unchanged(desk.play("[]", example.text, "-e", extra, playbook=site))


@pytest.mark.parametrize("example", [e for e in of_pages() if e.kind == "source"], ids=show)
def test_sources_of_a_page(desk: Desk, example: Example) -> None:
    """Tasks run in the containers that the inventory plugin has then added."""
    desk.prepare()
    source = desk.folder / "zz_containers.yml"
    source.write_text(example.text)
    task = {"ansible.builtin.raw": "hostname"}
    play = {"hosts": "containers", "gather_facts": False, "tasks": [task]}
    inventory = desk.groups("container_hosts")
    output = desk.play(yaml.safe_dump([play]), inventory, "-i", str(source))
    for name in ("site", "by-hand"):
        assert re.search(rf"^{name}\.{desk.server.name} +: ok=1 ", output, re.M), output
    assert "[WARNING]" not in output


@pytest.mark.parametrize("example", [e for e in of_pages() if e.kind == "variables"], ids=show)
def test_variables_of_a_page(desk: Desk, example: Example) -> None:
    """Use them as variables of the hosts that run containers."""
    desk.prepare()
    inventory = desk.groups("container_hosts")
    inventory["all"]["children"]["container_hosts"]["vars"] = example.content
    play = {
        "hosts": "container_hosts",
        "gather_facts": False,
        "roles": ["dockyard.fleet.workloads"],
    }
    desk.play(yaml.safe_dump([play]), inventory)
    assert_unchanged(desk.play(yaml.safe_dump([play]), inventory))


def assert_unchanged(output: str) -> None:
    assert re.findall(r"changed=(\d+)", output) == ["0"], output[-6000:]


def test_every_yaml_block_is_found() -> None:
    """A block that is written otherwise, say indented, would be run by no test."""
    for page in pages():
        name = str(page.relative_to(ROOT))
        found = [e for e in of_pages() if e.name.startswith(f"{name}-")]
        assert len(re.findall(r"(?i)```\s*ya?ml", page.read_text())) == len(found), name
