"""Channels over real ssh servers to the real engine: the way taken, answers, nothing left."""

from __future__ import annotations

import json
import os
import pwd
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client import Client, unix_dial

from tests.lab.sshd import Account, Site

ROOT = Path(__file__).resolve().parents[2]
SOCKET = "/var/run/docker.sock"
NO_SHARING = {"ansible_ssh_args": "-o ControlMaster=no"}
SUDO = {"ansible_become": True}

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="accounts to log in with are made by root"
)


@dataclass
class Lab:
    site: Site
    hosts: dict[str, dict[str, Any]]
    accounts: dict[str, Account]

    def play(
        self,
        hosts: str,
        user: Account | None = None,
        environment: dict[str, str] | None = None,
        delegate_to: str = "",
        home: Path | None = None,
        **args: Any,
    ) -> tuple[dict[str, dict[str, Any]], subprocess.CompletedProcess[str]]:
        """Run `channel_try` on hosts, one at a time; return its reports and the playbook's run."""
        folder = Path(tempfile.mkdtemp(dir=self.site.folder))
        folder.chmod(0o777)
        task = {"name": "Try", "channel_try": {"report": str(folder), **args}}
        if environment:
            task["environment"] = environment
        if delegate_to:
            task["delegate_to"] = delegate_to
        play = [{"hosts": hosts, "gather_facts": False, "tasks": [task]}]
        (folder / "ansible.cfg").write_text("[defaults]\n")  # nobody's own settings
        (folder / "play.yml").write_text(json.dumps(play))
        (folder / "inventory.json").write_text(json.dumps({"all": {"hosts": self.hosts}}))
        done = subprocess.run(
            [
                str(Path(sys.executable).with_name("ansible-playbook")),
                *("-f", "1", "-i", str(folder / "inventory.json"), str(folder / "play.yml")),
            ],
            env=self._environment(folder, user, home),
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            user=user.name if user else None,
            group=pwd.getpwnam(user.name).pw_gid if user else None,
            extra_groups=[] if user else None,
        )
        reports = folder.glob("*.json")
        return {
            file.stem: json.loads(file.read_text()) for file in reports if file.stem in self.hosts
        }, done

    def _environment(self, folder: Path, user: Account | None, home: Path | None) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(user.home if user else Path.home()),
            "ANSIBLE_HOME": str(home or folder / "home"),
            "ANSIBLE_ACTION_PLUGINS": str(ROOT / "tests/integration/channel/action"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"),
            "ANSIBLE_CONNECTION_PLUGINS": str(ROOT / "tests/integration/channel/connection"),
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self.site.control),
            "ANSIBLE_CONFIG": str(folder / "ansible.cfg"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "LC_ALL": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
        }


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    folder = Path(tempfile.mkdtemp(prefix="fleet-ch-"))
    site = Site(folder)
    try:
        accounts = {
            "dock": site.account("dock", groups=["docker"]),
            "free": site.account("free", sudo="free"),
            "pw": site.account("pw", sudo="password"),
            "none": site.account("none"),
        }
        yield Lab(site, _hosts(site, accounts), accounts)
    finally:
        site.stop()


def _hosts(site: Site, accounts: dict[str, Account]) -> dict[str, dict[str, Any]]:
    bare = site.folder / "bin"  # a PATH with what any system has, and no tool for a relay
    bare.mkdir()
    for tool in ("sh", "id", "ls", "cat"):
        (bare / tool).symlink_to(f"/bin/{tool}")
    dock = site.sshd(accounts["dock"]).variables
    free = site.sshd(accounts["free"]).variables
    pw = site.sshd(accounts["pw"]).variables
    closed = "AllowStreamLocalForwarding no"
    password = {"ansible_become_password": accounts["pw"].password}
    return {
        "dock": dock,
        "dock-alone": {**site.sshd(accounts["dock"]).variables, **NO_SHARING},
        "dock-closed": site.sshd(accounts["dock"], closed).variables,
        "dock-python": site.sshd(accounts["dock"], closed, "SetEnv PATH=/usr/bin:/bin").variables,
        "dock-bare": site.sshd(accounts["dock"], closed, f"SetEnv PATH={bare}").variables,
        "free": {**free, **SUDO},
        "free-alone": {**site.sshd(accounts["free"]).variables, **NO_SHARING, **SUDO},
        "pw": {**pw, **SUDO, **password},
        "pw-wrong": {**pw, **SUDO, "ansible_become_password": "not-it"},
        "pw-missing": {**pw, **SUDO},
        "su": {**pw, **SUDO, **password, "ansible_become_method": "su"},
        "dock-password": site.password_sshd(accounts["dock"]).variables,
        "dock-sshpass": {
            **site.password_sshd(accounts["dock"]).variables,
            "ansible_ssh_password_mechanism": "sshpass",
        },
        "none": site.sshd(accounts["none"]).variables,
        "away": {**dock, "ansible_port": 1},
        "dock-jump": jump(site, dock, free),
        "dock-path": {**dock, "ansible_control_path": "%(directory)s/own-%%r"},
        "other": {"ansible_connection": "plainsh"},
        "here": {"ansible_connection": "local"},
        "here-root": {"ansible_connection": "local", **SUDO},
        "here-dock": {
            "ansible_connection": "local",
            **SUDO,
            "ansible_become_user": accounts["dock"].name,
        },
    }


def jump(site: Site, far: dict[str, Any], hop: dict[str, Any]) -> dict[str, Any]:
    """Return a host that only a user's ssh_config knows, behind another server."""
    known = site.folder / "known_hosts"
    known.write_text("".join(one.read_text() for one in site.folder.glob("sshd-*/known_hosts")))
    (site.folder / "ssh_config").write_text(ssh_config(far, hop, str(known), str(site.key)))
    common = f"-F {site.folder}/ssh_config"
    return {"ansible_host": "fleet-far", "ansible_ssh_common_args": common}


def ssh_config(far: dict[str, Any], hop: dict[str, Any], known: str, key: str) -> str:
    """Return a configuration that knows `fleet-far`, behind `fleet-hop`."""
    blocks = [
        f"Host {name}\n HostName 127.0.0.1\n Port {one['ansible_port']}\n"
        f" User {one['ansible_user']}\n IdentityFile {key}\n"
        f" UserKnownHostsFile {known}\n StrictHostKeyChecking yes\n"
        for name, one in (("fleet-far", far), ("fleet-hop", hop))
    ]
    return f"{blocks[0]} ProxyJump fleet-hop\n{blocks[1]}"


WAYS = {
    "dock": ("forward", ""),
    "dock-alone": ("child", "ControlPersist is off"),
    "dock-closed": ("relay", "does not forward to sockets"),
    "dock-password": ("forward", ""),
    "dock-sshpass": ("forward", ""),
    "dock-jump": ("forward", ""),
    "dock-path": ("forward", ""),
    "dock-python": ("relay", "does not forward to sockets"),
    "free": ("relay", "become"),
    "free-alone": ("relay", "become"),
    "pw": ("relay", "become"),
    "here": ("socket", ""),
    "here-root": ("socket", ""),
    "here-dock": ("relay", "another user"),
}


@pytest.fixture(scope="module")
def engine_version() -> str:
    with Client(unix_dial(SOCKET)) as client:
        return str(client.get("/version")["Version"])


def left_on_hosts(lab: Lab) -> list[str]:
    """Return what still serves a stream on a host; the far end has three seconds to end."""
    deadline = time.monotonic() + 3
    while (found := _serving(lab)) and time.monotonic() < deadline:
        time.sleep(0.05)  # processes of others can only be looked at
    return found


def _serving(lab: Lab) -> list[str]:
    """Return relays, commands of the accounts and sudo, but none that has ended already.

    A container's users may have the same numbers: its processes do not count.
    """
    names = {account.name for account in lab.accounts.values()}
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "ns/pid").readlink() != Path("/proc/self/ns/pid").readlink():
                continue
            words = (entry / "cmdline").read_bytes().split(b"\0")
            owner = pwd.getpwuid(entry.stat().st_uid).pw_name
        except (OSError, KeyError):
            continue
        line = b" ".join(words).decode(errors="replace")
        ours = owner in names and line and not line.startswith("sshd")
        if ours or "dial-stdio" in line or "engine.connect" in line:
            found.append(f"{owner}: {line[:120]}")
    return found


def table(reports: dict[str, dict[str, Any]]) -> str:
    return "\n".join(
        f"{host:12} {report['way']:8} open {report['ms'][0]:4} ms, two answers"
        f" {report['ms'][1]:4} ms, close {report['ms'][2]:4} ms"
        for host, report in reports.items()
    )


@pytest.mark.parametrize("turn", ["cold", "warm", "open-stream"])
def test_each_host_is_reached_its_own_way_and_nothing_is_left(
    lab: Lab, engine_version: str, turn: str
) -> None:
    keep_open = turn == "open-stream"
    reports, done = lab.play(":".join(WAYS), keep_open=keep_open)
    assert sorted(reports) == sorted(WAYS), done.stdout + done.stderr
    print(f"\n{turn}\n{table(reports)}")
    events = ["HTTP/1.1 200"] if keep_open else []
    for host, (way, why) in WAYS.items():
        report = reports[host]
        assert report["way"] == way, (host, report)
        assert why in " ".join(report["tried"]), host
        assert bool(report["tried"]) == bool(why), host
        assert report["answers"] == [engine_version, engine_version, *events], host
        assert report["children"] == [], host
        assert report["files"] == [], host
    assert left_on_hosts(lab) == []


def test_a_forward_is_opened_again_when_the_shared_connection_has_died(
    lab: Lab, engine_version: str
) -> None:
    reports, done = lab.play("dock", kill_shared=True)
    report = reports["dock"]
    assert report["killed"], done.stdout
    assert report["answers"] == [engine_version, engine_version]
    assert report["files"] == []


@pytest.mark.parametrize("host", ["dock", "dock-alone", "dock-closed", "pw", "here-dock"])
def test_a_killed_task_leaves_no_process_on_the_host_and_no_file(lab: Lab, host: str) -> None:
    reports, done = lab.play(host, die=True)
    assert reports == {}, "the task was to be killed"
    assert done.returncode != 0
    assert left_on_hosts(lab) == []
    local_tmp = Path(done.args[4]).parent / "home/tmp"
    assert list(local_tmp.iterdir()) == []


@pytest.mark.parametrize(
    ("host", "kind", "words"),
    [
        ("none", "EngineMissing", ["no permission", SOCKET, "group docker", "become: true"]),
        ("pw-missing", "FleetError", ["asks for a password", "--ask-become-pass"]),
        ("pw-wrong", "FleetError", ["sudo password", "refused"]),
    ],
)
def test_a_missing_right_is_one_clear_error(
    lab: Lab, host: str, kind: str, words: list[str]
) -> None:
    reports, _done = lab.play(host)
    assert reports[host]["way"] == kind, reports
    assert [word for word in words if word not in reports[host]["error"]] == []


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("su", "su needs a terminal"),
        ("dock-bare", "none of docker, podman, socat, python3"),
        ("other", "plugin plainsh carries no"),
    ],
)
def test_no_channel_gives_the_reasons(lab: Lab, host: str, reason: str) -> None:
    reports, _done = lab.play(host)
    assert reports[host]["way"] == "none", reports
    assert reason in reports[host]["tried"][-1]


def test_a_host_that_does_not_answer_is_unreachable_as_in_any_task(lab: Lab) -> None:
    reports, done = lab.play("away")
    assert reports == {}
    assert done.returncode == 4
    assert "UNREACHABLE" in done.stdout


@pytest.mark.parametrize("host", ["dock", "dock-alone", "free", "here", "here-dock"])
def test_no_socket_and_no_listener_mean_no_engine(lab: Lab, host: str) -> None:
    stale = lab.site.folder / f"stale-{host}"
    with socket.socket(socket.AF_UNIX) as once:
        once.bind(str(stale))
    stale.chmod(0o666)
    for path, words in ((f"{stale}-not", "finds no socket"), (str(stale), "nobody listens")):
        reports, done = lab.play(host, engine_host=f"unix://{path}")
        assert reports[host]["way"] == "EngineMissing", (reports, done.stdout)
        assert words in reports[host]["error"]
        assert path in reports[host]["error"]
    assert left_on_hosts(lab) == []


def test_docker_host_of_the_task_environment_is_templated_and_used(lab: Lab) -> None:
    value = "unix:///run/{{ inventory_hostname }}.sock"
    reports, _done = lab.play("dock", environment={"DOCKER_HOST": value})
    assert "/run/dock.sock" in reports["dock"]["error"]
    reports, _done = lab.play(
        "dock", environment={"DOCKER_HOST": value}, engine_host=f"unix://{SOCKET}"
    )
    assert reports["dock"]["way"] == "forward"


def test_a_local_user_without_permission(lab: Lab, engine_version: str) -> None:
    """With sudo the relay is taken; without, the error names the group."""
    user = lab.accounts["free"]
    command = ["sudo", "-u", user.name, sys.executable, "-c", "import ansible"]
    if subprocess.run(command, check=False).returncode:
        pytest.skip(f"user {user.name} may not read the virtual environment {sys.prefix}")
    reports, done = lab.play("here:here-root", user=user)
    assert reports["here-root"]["way"] == "relay", done.stdout
    assert reports["here-root"]["answers"] == [engine_version, engine_version]
    assert reports["here-root"]["children"] == []
    assert reports["here"]["way"] == "EngineMissing"
    assert f"add {user.name} to the group docker" in reports["here"]["error"]
