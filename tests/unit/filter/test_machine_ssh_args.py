"""How a machine is reached: by its own name and key, through its hypervisor."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.filter.machine_ssh_args import (
    FilterModule,
    machine_ssh_args,
)

KNOWN = [
    *("-o", "HostKeyAlias=web01", "-o", "UserKnownHostsFile=/known hosts"),
    *("-o", "GlobalKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=yes"),
]


@pytest.mark.parametrize(
    ("name", "variables", "jump"),
    [
        ("hv1", {}, "ssh -W [%h]:%p hv1"),
        ("hv1", {"ansible_ssh_port": 23}, "ssh -W [%h]:%p -p 23 hv1"),
        (
            "hv1",
            {
                "ansible_connection": "ssh",
                "ansible_host": "192.0.2.10",
                "ansible_port": 2222,
                "ansible_user": "admin",
                "ansible_ssh_private_key_file": "/a key",
                "ansible_ssh_common_args": "-o A=1",
            },
            "ssh -W [%h]:%p -o A=1 -p 2222 -i '/a key' admin@192.0.2.10",
        ),
        ("hv1", {"ansible_connection": "ansible.builtin.local"}, ""),
        ("localhost", {}, ""),
        ("localhost", {"ansible_connection": "ssh"}, "ssh -W [%h]:%p localhost"),
    ],
)
def test_arguments(name: str, variables: Any, jump: str) -> None:
    line = machine_ssh_args(variables, name, "web01", "/known hosts", args=" -C  -v ")
    proxy = ["-o", f"ProxyCommand={jump}"] if jump else []
    assert shlex.split(line) == ["-C", "-v", *KNOWN, *proxy]
    assert "  " not in line


def test_ansible_finds_the_filter() -> None:
    assert FilterModule().filters() == {"machine_ssh_args": machine_ssh_args}
