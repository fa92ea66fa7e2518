"""The documentation's examples about machines as a playbook, and the web server that they need."""

from __future__ import annotations

import functools
import hashlib
import http.server
import lzma
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.lab.servers import Server
from tests.tools.examples import of_modules, twice

# Where the examples find their images; here that is a folder on this machine.
SITES = ("https://cloud.debian.org", "https://images.example.com")
BASE = "images/cloud/bookworm/latest/debian-12-genericcloud-amd64.qcow2"
APP, APP_SUM = "app-base.img.xz", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
BOOT = "/var/lib/libvirt/boot"


def playbook(folder: Path, site: str) -> list[dict[str, Any]]:
    """Return the plays; every task of ours is repeated at once and must then change nothing.

    The examples run as they are written, but for the address of the site, the checksum of an
    image that exists nowhere, and the wait for a guest whose disk is empty here.
    """
    changes = {
        **dict.fromkeys(SITES, site),
        APP_SUM: hashlib.sha256((folder / APP).read_bytes()).hexdigest(),
        "wait: cloud_init": "wait: none",
    }
    examples: list[list[dict[str, Any]]] = []
    for example in of_modules(machines=True):
        text = example.text
        for old, new in changes.items():
            text = text.replace(old, new)
        examples.append(yaml.safe_load(text))
    plays = [_play(twice(tasks)) for tasks in examples]
    return [*plays, _play(_cleaning([task for tasks in examples for task in tasks]))]


def _play(tasks: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "hosts": "hypervisors",
        "gather_facts": False,
        "become": True,
        "vars": {"ops_public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPublic ops"},
        # Nothing in these machines would hear a request to shut down.
        "module_defaults": {"dockyard.fleet.vm": {"stop_grace_period": "1s"}},
        "tasks": tasks,
    }


def _cleaning(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the tasks that remove what the examples' tasks have made."""

    def named(module: str) -> list[str]:
        return sorted({task[module]["name"] for task in tasks if "name" in task.get(module, {})})

    gone = {"name": "{{ item }}", "state": "absent"}
    machine, image = "dockyard.fleet.vm", "dockyard.fleet.vm_image"
    return [
        {machine: {**gone, "delete_disks": True}, "loop": named(machine)},
        {image: gone, "loop": named(image)},
    ]


def prepare(server: Server, guest: str) -> None:
    """Put on the hypervisor what the examples say is there; `guest` has a kernel."""
    script = f"""
        set -eu
        mkdir -p /srv/images {BOOT}
        qemu-img create -q -f qcow2 /srv/images/built-here.qcow2 1M
        cp {guest}/vmlinuz {guest}/initrd.img {BOOT}/
        cp /etc/ssl/certs/ca-certificates.crt /etc/ssl/private-ca.pem
    """
    server.exec("sh", "-c", script)


@contextmanager
def site(folder: Path, server: Server) -> Iterator[str]:
    """Serve the images from a folder and yield the address at which a server reaches it."""
    base = folder / BASE
    base.parent.mkdir(parents=True)
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(base), "1M"], check=True)
    digest = hashlib.sha512(base.read_bytes()).hexdigest()
    base.with_name("SHA512SUMS").write_text(f"{digest}  {base.name}\n")
    (folder / APP).write_bytes(lzma.compress(bytes(1 << 16)))
    handler = functools.partial(_Quiet, directory=str(folder))
    gateway = server.exec("sh", "-c", "ip -4 route show default").split()[2]
    with http.server.ThreadingHTTPServer((gateway, 0), handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        try:
            yield f"http://{gateway}:{httpd.server_address[1]}"
        finally:
            httpd.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: a test prints what matters."""
