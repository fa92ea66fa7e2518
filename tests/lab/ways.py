"""Hosts that are reached over real ssh servers of this machine, each in a way of its own."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.lab.sshd import Account, Site

ROOT = Path(__file__).resolve().parents[2]
SOCKET = "/var/run/docker.sock"
NO_SHARING = {"ansible_ssh_args": "-o ControlMaster=no"}
SUDO = {"ansible_become": True}


@dataclass
class Lab:
    site: Site
    hosts: dict[str, dict[str, Any]]
    accounts: dict[str, Account]

    def need_ansible(self, user: Account) -> None:
        """Skip the test where a user may not read this checkout, as one below /root."""
        command = ["sudo", "-u", user.name, sys.executable, "-c", "import ansible"]
        if subprocess.run(command, check=False).returncode:
            pytest.skip(f"user {user.name} may not read the virtual environment {sys.prefix}")

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


@contextlib.contextmanager
def reachable() -> Iterator[Lab]:
    """Have the accounts, the servers and the hosts inside the block."""
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


def left_on_hosts(lab: Lab) -> list[str]:
    """Return what still serves a stream on a host; the far end has half a minute to end."""
    deadline = time.monotonic() + 30
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
        relay = "dial-stdio" in line or "engine.connect" in line
        # Other tests have relays too, at the same time.
        if ours or (relay and any(word in line for word in (str(lab.site.folder), *names))):
            found.append(f"{owner}: {line[:120]}")
    return found
