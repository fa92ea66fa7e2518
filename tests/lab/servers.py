"""Servers to test against: system containers with an address, a real sshd and, mostly, systemd.

Users of every server, all reached with one key made for the run:
`root`; `dock` (in the docker group once there is an engine); `sudoer` (sudo without a password);
`sudopw` (sudo asks for `Server.sudo_password`).
Host keys are made here and put into known_hosts before the first connection, under the server's
name (HostKeyAlias), so checking is never switched off.

From playbooks and shells: `python -m tests.lab.servers start|stop --dir DIR [options] NAME…`;
`start` writes DIR/inventory.yml.
"""

from __future__ import annotations

import argparse
import io
import json
import secrets
import socket
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab.server_image import image, run

# Capabilities by their numbers, as far as every engine from 20.10 on knows them. All of them at
# once (--privileged) fails on a machine whose root lacks one.
CAPABILITIES = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
]
LABEL = "dockyard-lab=server"
WITHOUT_INIT = (
    "/bin/sh",
    "-c",
    "/usr/local/sbin/lab-cgroups; mkdir -p /run/sshd && exec /usr/sbin/sshd -D",
)


@dataclass(frozen=True)
class Server:
    """A running server and all that is needed to reach it."""

    name: str
    address: str
    key: Path
    known_hosts: Path
    sudo_password: str

    @property
    def ssh_args(self) -> list[str]:
        """Return ssh's options; `["ssh", *server.ssh_args, f"root@{server.address}", "true"]`."""
        options = {
            "UserKnownHostsFile": self.known_hosts,
            "GlobalKnownHostsFile": "/dev/null",
            "HostKeyAlias": self.name,
            "StrictHostKeyChecking": "yes",
            "IdentityFile": self.key,
            "IdentitiesOnly": "yes",
            "BatchMode": "yes",
        }
        return [part for key, value in options.items() for part in ("-o", f"{key}={value}")]

    def inventory_vars(self, user: str = "root") -> dict[str, Any]:
        """Return the inventory variables that reach this server as `user`."""
        found: dict[str, Any] = {
            "ansible_host": self.address,
            "ansible_user": user,
            "ansible_python_interpreter": "/usr/bin/python3",
            "ansible_ssh_common_args": " ".join(self.ssh_args),
        }
        if user in ("sudoer", "sudopw"):
            found["ansible_become"] = True
        if user == "sudopw":
            found["ansible_become_password"] = self.sudo_password
        return found

    def exec(self, *command: str) -> str:
        """Run a command on the server as root, beside ssh, and return what it printed."""
        return run("docker", "exec", self.name, *command)


def start(
    names: list[str], folder: Path, *, variant: str = "bare", init: bool = True, suite: str = ""
) -> list[Server]:
    """Start the servers `names` at the same time; keys and known_hosts go into `folder`.

    `variant` is "bare" or "docker" (the engine is installed); without `init`, sshd is the first
    process and nothing supervises anything, as in many containers and rescue systems. `suite` is
    Debian's, if another than this machine's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "key").exists():
        _keygen(folder / "key")
    reference = image(variant, suite)
    with ThreadPoolExecutor(max_workers=4) as pool:
        return list(pool.map(lambda name: _start(name, folder, reference, init), names))


def stop(names: list[str]) -> None:
    """Remove the servers and their volumes; one that is not there is no error."""
    for name in names:
        if run("docker", "ps", "-aq", "--filter", f"name=^{name}$", "--filter", f"label={LABEL}"):
            run("docker", "rm", "-f", "-v", name)


def inventory(servers: list[Server], user: str = "root") -> dict[str, Any]:
    """Return an inventory of the servers, reached as `user`, in Ansible's YAML shape."""
    return {"all": {"hosts": {server.name: server.inventory_vars(user) for server in servers}}}


def _keygen(path: Path) -> None:
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "dockyard-lab", "-f", str(path))


def _start(name: str, folder: Path, reference: str, init: bool) -> Server:
    stop([name])
    host_key = folder / f"{name}.host_key"
    for old in (host_key, host_key.with_suffix(".host_key.pub")):
        old.unlink(missing_ok=True)
    _keygen(host_key)
    public = host_key.with_suffix(".host_key.pub").read_text().split()
    known_hosts = folder / f"{name}.known_hosts"
    known_hosts.write_text(f"{name} {public[0]} {public[1]}\n")
    command = [] if init else list(WITHOUT_INIT)
    run("docker", "create", "--name", name, *_flags(name), reference, *command)
    _copy_keys(name, folder, host_key)
    run("docker", "start", name)
    password = secrets.token_hex(8)
    run("docker", "exec", "-i", name, "chpasswd", stdin=f"sudopw:{password}\n")
    address = run("docker", "inspect", "-f", "{{.NetworkSettings.IPAddress}}", name)
    server = Server(name, address, folder / "key", known_hosts, password)
    _wait(server, init)
    return server


def _flags(name: str) -> list[str]:
    bounding = next(
        int(line.split()[1], 16)
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("CapBnd:")
    )
    ours = [cap for number, cap in enumerate(CAPABILITIES) if bounding >> number & 1]
    flags = f"--hostname={name} --label={LABEL} --cgroupns=private --stop-signal=SIGRTMIN+3"
    flags += " --tmpfs=/run:exec --tmpfs=/run/lock --volume=/var/lib/docker --cap-drop=ALL"
    for profile in ("seccomp", "apparmor", "systempaths"):
        flags += f" --security-opt={profile}=unconfined"
    return [*flags.split(), *(f"--cap-add={cap}" for cap in ours)]


def _copy_keys(name: str, folder: Path, host_key: Path) -> None:
    """Put the host key and the authorised key into a server that was not started yet."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for target, source, mode in (
            ("host_key", host_key, 0o600),
            ("authorized_keys", folder / "key.pub", 0o644),
        ):
            entry = tarfile.TarInfo(target)
            entry.size, entry.mode = source.stat().st_size, mode
            archive.addfile(entry, io.BytesIO(source.read_bytes()))
    tar = folder / f"{name}.tar"
    tar.write_bytes(buffer.getvalue())
    run("sh", "-c", f"docker cp - {name}:/etc/ssh/lab <{tar}")
    tar.unlink()


def _wait(server: Server, init: bool, seconds: float = 60) -> None:
    """Wait for sshd's banner and, with systemd, for the end of the boot (users may log in then)."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            with socket.create_connection((server.address, 22), 2) as connection:
                if connection.recv(4) == b"SSH-":
                    break
        except OSError:
            pass
        if time.monotonic() > deadline:
            log = run("docker", "logs", "--tail", "20", server.name)
            raise RuntimeError(f"{server.name}: no sshd after {seconds} s\n{log}")
        time.sleep(0.1)
    if init:  # "degraded" ends with 1 and is good enough; the state is printed either way
        server.exec("sh", "-c", "systemctl is-system-running --wait || true")


def main() -> None:
    """Start or stop servers for playbooks that cannot call Python."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("action", choices=("start", "stop"))
    parser.add_argument("names", nargs="+", metavar="NAME")
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--variant", choices=("bare", "docker"), default="bare")
    parser.add_argument("--user", choices=("root", "dock", "sudoer", "sudopw"), default="root")
    parser.add_argument("--no-init", dest="init", action="store_false")
    args = parser.parse_args()
    if args.action == "stop":
        stop(args.names)
        return
    servers = start(args.names, args.dir, variant=args.variant, init=args.init)
    # JSON is YAML; the file holds the sudo password of a server that lives as long as the test.
    target = args.dir / "inventory.yml"
    target.touch(mode=0o600)
    target.write_text(json.dumps(inventory(servers, args.user), indent=1))


if __name__ == "__main__":
    main()
