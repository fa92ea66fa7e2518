"""Throw-away ssh servers on loopback, and accounts of this machine to log in with.

Each server runs as the account it serves (but for the one that checks passwords), with its own
host key, known_hosts and user key in one temporary folder; nothing of the machine's own ssh
configuration is touched. Accounts are made by `useradd` and removed again, so the tests that use
them need root.
"""

from __future__ import annotations

import grp
import os
import pwd
import secrets
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

SUDOERS = Path("/etc/sudoers.d")
PRIVILEGE_SEPARATION = Path("/run/sshd")  # a server started by root insists on it


def _run(*command: str, stdin: str | None = None) -> None:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{shlex.join(command)}: {done.stderr.strip()}")


@dataclass(frozen=True)
class Account:
    """A user of this machine made for a test; `sudo` is "", "free" or "password"."""

    name: str
    password: str
    home: Path
    groups: tuple[str, ...] = ()
    sudo: str = ""

    def create(self) -> None:
        groups = ["-G", ",".join(self.groups)] if self.groups else []
        _run("useradd", "-m", "-d", str(self.home), "-s", "/bin/sh", *groups, self.name)
        _run("chpasswd", stdin=f"{self.name}:{self.password}\n")
        if self.sudo:
            tag = "NOPASSWD: " if self.sudo == "free" else ""
            rule = SUDOERS / self.name
            rule.write_text(f"{self.name} ALL=(ALL) {tag}ALL\n")
            rule.chmod(0o440)

    def remove(self) -> None:
        """Remove the account, its rule and its home; its servers must have ended."""
        (SUDOERS / self.name).unlink(missing_ok=True)
        subprocess.run(["userdel", "-f", "-r", self.name], capture_output=True, check=False)


@dataclass
class Sshd:
    """One running server and the inventory variables that reach it."""

    process: subprocess.Popen[bytes]
    variables: dict[str, str | int]
    log: Path


@dataclass
class Site:
    """A folder with a user key and known_hosts, the accounts and the servers of a test session.

    `folder` must be one that every account can enter, so not one of pytest's. `control` is for
    Ansible's control sockets (ANSIBLE_SSH_CONTROL_PATH_DIR).
    """

    folder: Path
    prefix: str = "fleet-ch"
    accounts: list[Account] = field(default_factory=list)
    servers: list[Sshd] = field(default_factory=list)
    made: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        self.key = self.folder / "user_key"
        _keygen(self.key)
        self.control = self.folder / "control"
        self.control.mkdir(mode=0o700)

    def account(self, name: str, groups: Iterable[str] = (), sudo: str = "") -> Account:
        """Make an account; one that an interrupted run left behind is made anew."""
        account = Account(
            name=f"{self.prefix}-{name}",
            password=secrets.token_hex(8),
            home=self.folder / name,
            groups=tuple(groups),
            sudo=sudo,
        )
        account.remove()
        self.accounts.append(account)
        account.create()
        return account

    def password_sshd(self, account: Account) -> Sshd:
        """Start a server that takes the account's password alone; only root's can check one."""
        if not PRIVILEGE_SEPARATION.exists():
            PRIVILEGE_SEPARATION.mkdir()
            self.made.append(PRIVILEGE_SEPARATION)
        settings = ("PasswordAuthentication yes", "PubkeyAuthentication no")
        server = self.sshd(account, *settings, f"AllowUsers {account.name}", as_root=True)
        del server.variables["ansible_ssh_private_key_file"]
        server.variables["ansible_password"] = account.password
        return server

    def sshd(self, account: Account, *settings: str, as_root: bool = False) -> Sshd:
        """Start a server for one account; `settings` are lines of sshd_config that come first."""
        while True:
            server = self._start(account, settings, as_root)
            if _greets(server):
                return server
            # Somebody else may have taken the port between the look for a free one and its use.
            if "Address already in use" not in server.log.read_text():
                print(server.log.read_text(), file=sys.stderr)
                raise RuntimeError(f"no ssh server on port {server.variables['ansible_port']}")

    def _start(self, account: Account, settings: Iterable[str], as_root: bool) -> Sshd:
        port = free_port()
        place = self.folder / f"sshd-{port}"
        place.mkdir()
        _keygen(place / "host_key")
        (place / "authorized_keys").write_text(self.key.with_suffix(".pub").read_text())
        config = place / "sshd_config"
        config.write_text("\n".join([*settings, *_settings(place, port)]) + "\n")
        user = pwd.getpwnam("root" if as_root else account.name)
        for path in (place, *place.iterdir()):
            os.chown(path, user.pw_uid, user.pw_gid)
        log = place / "log"
        with log.open("wb") as errors:
            process = subprocess.Popen(
                ["/usr/sbin/sshd", "-D", "-e", "-f", str(config)],
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                user=user.pw_uid,
                group=user.pw_gid,
                extra_groups=[grp.getgrnam(name).gr_gid for name in account.groups],
                cwd=account.home,
                env={"PATH": "/usr/local/bin:/usr/bin:/bin"},
            )
        server = Sshd(process, self._variables(account, port, place), log)
        self.servers.append(server)
        return server

    def _variables(self, account: Account, port: int, place: Path) -> dict[str, str | int]:
        known = place / "known_hosts"
        host_key = (place / "host_key.pub").read_text().split()[:2]
        known.write_text(f"[127.0.0.1]:{port} {' '.join(host_key)}\n")
        return {
            "ansible_host": "127.0.0.1",
            "ansible_port": port,
            "ansible_user": account.name,
            "ansible_ssh_private_key_file": str(self.key),
            "ansible_ssh_common_args": f"-o UserKnownHostsFile={known} -o IdentitiesOnly=yes "
            "-o StrictHostKeyChecking=yes -F none",
            "ansible_python_interpreter": "/usr/bin/python3",
        }

    def stop(self) -> None:
        """End shared connections and servers, then remove the accounts and the folder."""
        for path in filter(Path.is_socket, self.control.iterdir()):
            subprocess.run(
                ["ssh", "-F", "none", "-S", str(path), "-O", "exit", "none"],
                capture_output=True,
                check=False,
            )
        for server in self.servers:
            server.process.terminate()
            server.process.wait(60)
        for account in self.accounts:
            account.remove()
        for path in self.made:
            path.rmdir()
        shutil.rmtree(self.folder)


def _settings(place: Path, port: int) -> list[str]:
    return [
        f"Port {port}",
        "ListenAddress 127.0.0.1",
        f"HostKey {place}/host_key",
        f"AuthorizedKeysFile {place}/authorized_keys",
        "PidFile none",
        "UsePAM no",  # a server that is not root's cannot
        "StrictModes no",  # the folder lies under the world-writable /tmp
        "PasswordAuthentication no",
        "Subsystem sftp internal-sftp",
    ]


def _keygen(path: Path) -> None:
    _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path))


def free_port() -> int:
    """Return a port of loopback that nobody uses, as yet."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _greets(server: Sshd) -> bool:
    """Wait until the server greets; False when it has ended, or does not within a minute."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.process.poll() is None:
        address = ("127.0.0.1", int(server.variables["ansible_port"]))
        try:
            with socket.create_connection(address, timeout=1) as stream:
                if stream.recv(4) == b"SSH-":
                    return server.process.poll() is None
        except OSError:
            time.sleep(0.02)  # nothing to wait on before it listens
    return False
