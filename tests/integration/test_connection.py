"""The connection plugin `container` on the real engine, by every way to it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.playbook.play_context import PlayContext
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import FleetError
from ansible_collections.dockyard.fleet.plugins.plugin_utils.connection.engine import Link
from ansible_collections.dockyard.fleet.plugins.plugin_utils.connection.exec import NOT_RUN, execute
from ansible_collections.dockyard.fleet.plugins.plugin_utils.connection.files import fetch, put
from ansible_collections.dockyard.fleet.plugins.plugin_utils.connection.open import open_link

from tests.lab.asking import ROOT, Desk
from tests.lab.boxes import docker
from tests.lab.sshd import Site
from tests.lab.ways import jump

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="accounts to log in with are made by root"
)
PLUGIN = {"ansible_connection": "dockyard.fleet.container"}
# Asks for a password as sudo does, and becomes nobody.
SUDO = """#!/bin/sh
while [ $# -gt 0 ]; do
  case $1 in -p) prompt=$2; shift 2;; -u) shift 2;; -*) shift;; *) break;; esac
done
printf %s "$prompt" >&2; read -r word
[ "$word" = canary ] || { echo "Sorry, try again." >&2; exit 1; }
echo noise; exec "$@"
"""
# This machine's own Python, in a container that has none.
PYTHON = [word for part in ("usr", "lib", "lib64", "bin") for word in ("-v", f"/{part}:/{part}:ro")]


@pytest.fixture(scope="module")
def boxes(engine: None) -> Iterator[dict[str, str]]:
    """Return the names of containers: bare, with Python, stopped, and without a shell."""
    tag = f"fleet-e-{uuid.uuid4().hex[:6]}"
    names = {kind: f"{tag}-{kind}" for kind in ("bare", "python", "stopped", "empty")}
    image, sleep = "dev/busybox:1", ["sleep", "1d"]
    run = ["run", "-d", "--network", "none", "--stop-signal", "KILL"]
    try:
        docker(*run, "--tmpfs", "/fast", "--name", names["bare"], image, *sleep)
        docker(*run, *PYTHON, "--name", names["python"], image, *sleep)
        docker("create", "--network", "none", "--name", names["stopped"], image, *sleep)
        # One program under another name: there is no shell and no cat.
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(shutil.which("busybox") or "/bin/busybox", f"{folder}/sleep")
            tar = subprocess.run(
                ["tar", "-C", folder, "-c", "sleep"], stdout=subprocess.PIPE, check=True
            )
        subprocess.run(["docker", "import", "-", f"{tag}:1"], input=tar.stdout, check=True)
        docker(*run, "--name", names["empty"], f"{tag}:1", "/sleep", "1d")
        yield names
    finally:
        made = docker("ps", "-aq", "--filter", f"name=^{tag}-").split()
        docker("rm", "-f", *made)
        subprocess.run(["docker", "rmi", f"{tag}:1"], capture_output=True, check=False)


def of_host(variables: dict[str, Any]) -> dict[str, Any]:
    """Return the variables of an ssh server as those of a container's host."""
    return {
        **PLUGIN,
        "ansible_container_host": variables["ansible_host"],
        "ansible_container_host_port": variables["ansible_port"],
        "ansible_container_host_user": variables["ansible_user"],
        "ansible_container_host_private_key_file": variables["ansible_ssh_private_key_file"],
        "ansible_ssh_common_args": variables["ansible_ssh_common_args"],
    }


@pytest.fixture(scope="module")
def desk(boxes: dict[str, str]) -> Iterator[Desk]:
    site = Site(Path(tempfile.mkdtemp(prefix="fleet-cn-")), prefix="fleet-cn")
    try:
        dock, free = site.account("dock", groups=["docker"]), site.account("free", sudo="free")
        server, hop = site.sshd(dock).variables, site.sshd(free).variables
        near = of_host(server)
        closed = of_host(site.sshd(dock, "AllowStreamLocalForwarding no").variables)
        sudoer = of_host(hop)
        behind = jump(site, server, hop)
        alone = {"ansible_ssh_args": "-o ControlMaster=no"}
        made = {
            "local": PLUGIN,
            "forward": near,
            "child": {**near, **alone},
            "relay": closed,
            "sudo": {**sudoer, "ansible_container_host_become": True},
            "jump": {
                **PLUGIN,
                "ansible_container_host": behind["ansible_host"],
                "ansible_ssh_common_args": behind["ansible_ssh_common_args"],
            },
        }
        hosts = {
            name: {**one, "ansible_container_name": boxes["bare"]} for name, one in made.items()
        }
        yield Desk(site.folder, hosts, site.control)
    finally:
        site.stop()


def test_commands_and_files_by_every_way(desk: Desk, tmp_path: Path) -> None:
    """No Python in the container, nothing but the engine (or a relay's tool) on its host."""
    (tmp_path / "script.sh").write_text("#!/bin/sh\necho script $1\n")
    raw = {"name": "raw", "ansible.builtin.raw": "id -u; echo $A; pwd; echo oops >&2; exit 3"}
    told = desk.run(
        {**raw, "vars": settings(), "failed_when": False},
        {"name": "script", "ansible.builtin.script": f"{tmp_path}/script.sh one"},
    )
    for host in desk.hosts:
        result = told.good(host, "raw")
        assert result["rc"] == 3, result
        assert result["stdout_lines"] == ["65534", "it's", "/bin"]
        assert result["stderr_lines"] == ["oops"]
        assert told.good(host, "script")["stdout_lines"] == ["script one"]
    assert len(list((desk.control / "fleet").iterdir())) == 2, (
        "one for each host with forwards, whatever the number of tasks"
    )


def test_the_inventory_of_the_guide_works_as_it_is_written(
    desk: Desk, boxes: dict[str, str], tmp_path: Path
) -> None:
    """Only names and the way to the host come from outside."""
    page = (ROOT / "docs/container-connection.md").read_text()
    (text,) = re.findall(r"```ini\n(.*?)```", page, re.DOTALL)
    for theirs, ours in (("shop-db-1", boxes["python"]), ("\nweb ", f"\n{boxes['bare']} ")):
        assert theirs in text
        text = text.replace(theirs, ours)
    (tmp_path / "hosts.ini").write_text(text)
    near = {key: one for key, one in desk.hosts["forward"].items() if key != "ansible_connection"}
    del near["ansible_container_name"]
    options = ("-i", str(tmp_path / "hosts.ini"), "-e", json.dumps(near))
    told = desk.run(
        {"name": "raw", "ansible.builtin.raw": "echo in"}, hosts="boxes", options=options
    )
    for host in (boxes["bare"], "db"):
        assert told.good(host, "raw")["stdout_lines"] == ["in"]


def settings() -> dict[str, Any]:
    return {
        "ansible_container_user": "65534",
        "ansible_container_working_dir": "/bin",
        "ansible_container_environment": {"A": "it's"},
    }


def test_paramiko_is_the_way_where_there_is_no_ssh(desk: Desk, boxes: dict[str, str]) -> None:
    """The user's ssh_config, jump host and known hosts count there too."""
    home = desk.folder / "no-ssh"
    (home / ".ssh").mkdir(parents=True)
    shutil.copy(desk.folder / "ssh_config", home / ".ssh/config")
    bare = {**PLUGIN, "ansible_ssh_executable": "/no/ssh"}
    near = {**desk.hosts["forward"], **bare}
    hosts = {
        "jump": {**bare, "ansible_container_host": "fleet-far"},
        "stranger": {**near, "ansible_container_host": "127.0.0.1"},
    }
    for one in hosts.values():
        one["ansible_container_name"] = boxes["bare"]
    there = Desk(desk.folder, hosts, desk.control, {"HOME": str(home)})
    told = there.run({"name": "raw", "ansible.builtin.raw": "cat; echo in"})
    assert told.good("jump", "raw")["stdout_lines"] == ["in"]
    outcome, result = told.results["stranger"]["raw"]
    assert outcome == "unreachable", result
    assert "not found in known_hosts" in result["msg"]


def test_modules_run_where_there_is_python(desk: Desk, boxes: dict[str, str]) -> None:
    inside = {"ansible_container_name": boxes["python"], "ansible_python_interpreter": "python3"}
    told = desk.run(
        {"name": "ping", "ansible.builtin.ping": {}, "vars": inside},
        {
            "name": "copy",
            "ansible.builtin.copy": {"content": "text", "dest": "/{{ inventory_hostname }}"},
            "vars": {**inside, "ansible_pipelining": False},
            "when": "inventory_hostname == 'local'",
        },
        hosts="local:forward",
    )
    for host in ("local", "forward"):
        assert told.good(host, "ping")["ping"] == "pong"
    assert told.good("local", "copy")["changed"]
    assert docker("exec", boxes["python"], "cat", "/local") == "text"


def test_files_go_in_and_out_whole(boxes: dict[str, str], tmp_path: Path) -> None:
    """Past a tmpfs too; and by archives, where a container has neither shell nor `cat`."""
    body = os.urandom(3_000_000)
    (tmp_path / "in").write_bytes(body)
    (tmp_path / "none").touch()
    out = tmp_path / "out"
    for kind, target in (("bare", "/fast/it's"), ("empty", "/sleep-2")):
        link = linked(boxes[kind])
        put(link, str(tmp_path / "in"), target)
        fetch(link, target, str(out))
        assert out.read_bytes() == body
        put(link, str(tmp_path / "none"), target)
        fetch(link, target, str(out))
        assert out.read_bytes() == b""
        with pytest.raises(FleetError, match="/no/such") as caught:
            fetch(link, "/no/such", str(tmp_path / "never"))
        assert boxes[kind] in str(caught.value)
        assert not (tmp_path / "never").exists()
        (tmp_path / "precious").write_text("stays")
        out.unlink()
        out.symlink_to(tmp_path / "precious")
        fetch(link, target, str(out))
        assert (out.read_bytes(), out.is_symlink()) == (b"", False)
        assert (tmp_path / "precious").read_text() == "stays"
        link.close()


def linked(name: str) -> Link:
    """Return the inner part of the plugin, for a container of this machine."""
    options = {"container": name, "host": None, "engine_timeout": 20}
    plugin = SimpleNamespace(get_option=options.get, _shell=None)
    return Link(plugin, PlayContext(), open_link)


def test_large_input_and_output_at_once(boxes: dict[str, str]) -> None:
    body = os.urandom(2_000_000)
    link = linked(boxes["bare"])
    done = execute(link, ["sh", "-c", "cat; echo end >&2; exit 7"], body)
    assert (done.status, done.out, done.err) == (7, body, b"end\n")
    link.close()


def test_a_program_that_is_not_there_ends_as_in_a_shell(boxes: dict[str, str]) -> None:
    link = linked(boxes["empty"])
    done = execute(link, ["/bin/sh", "-c", "id"])
    assert done.status in NOT_RUN
    assert b"/bin/sh" in done.out + done.err
    link.close()


@pytest.mark.parametrize("password", ["canary", "wrong"])
def test_a_password_inside_the_container_is_asked_for_once(
    desk: Desk, boxes: dict[str, str], password: str
) -> None:
    script = f"cat > /bin/sudo-e <<'EOF'\n{SUDO}EOF\nchmod 755 /bin/sudo-e"
    docker("exec", boxes["bare"], "sh", "-c", script)
    become = {
        "ansible_become": True,
        "ansible_become_exe": "/bin/sudo-e",
        "ansible_become_password": password,
    }
    task = {"name": "raw", "ansible.builtin.raw": "echo in", "vars": become}
    told = desk.run(task, hosts="local", options=("-vvvv",))
    if password == "canary":
        assert told.good("local", "raw")["stdout_lines"] == ["in"]
    else:
        assert "password was refused" in told.results["local"]["raw"][1]["msg"]
    assert "canary" not in told.output


def test_what_is_not_there_is_unreachable_with_one_message(
    desk: Desk, boxes: dict[str, str]
) -> None:
    far = {**desk.hosts["forward"], "ansible_container_engine_host": "unix:///run/none.sock"}
    cases = {
        "none": ({**PLUGIN, "ansible_container_name": "fleet-e-none"}, "there is none"),
        "stopped": ({**PLUGIN, "ansible_container_name": boxes["stopped"]}, "is not running"),
        "engine": (far, "finds no socket /run/none.sock"),
        "host": ({**desk.hosts["forward"], "ansible_container_host_port": 1}, "refused"),
    }
    hosts = {name: variables for name, (variables, _words) in cases.items()}
    told = Desk(desk.folder, hosts, desk.control).run({"name": "raw", "ansible.builtin.raw": "id"})
    assert told.status == 4, told.output
    for name, (_variables, words) in cases.items():
        outcome, result = told.results[name]["raw"]
        assert outcome == "unreachable", (name, result)
        assert words in result["msg"]
        assert result["msg"].count(words) == 1, result["msg"]


def test_a_forward_whose_ssh_connection_ended_is_made_anew(desk: Desk) -> None:
    for path in desk.control.iterdir():
        if path.is_socket():
            command = ["ssh", "-F", "none", "-S", str(path), "-O", "exit", "none"]
            subprocess.run(command, capture_output=True, check=False)
    told = desk.run({"name": "raw", "ansible.builtin.raw": "echo again"}, hosts="forward")
    assert told.good("forward", "raw")["stdout_lines"] == ["again"]
