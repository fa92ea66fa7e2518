# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Ansible reaches a machine through its hypervisor: the filter behind role machines."""

from __future__ import annotations

DOCUMENTATION = r"""
name: machine_ssh_args
author: dockyard.fleet contributors (@dockyard)
version_added: 0.1.0
short_description: Say how a machine is reached through its hypervisor
description:
  - Returns arguments for ssh, by which the machine is known by its own name and its key alone, and
    is reached by a jump over the hypervisor. A hypervisor that Ansible reaches without a network is
    where it runs itself, and there is no jump.
positional: _input, hypervisor, machine, known_hosts
options:
  _input:
    description:
      - The variables of the hypervisor. The jump is an ssh of its own, and needs what the inventory
        says about the hypervisor, such as its port and its key.
    type: dict
    required: true
  hypervisor:
    description: Its name in the inventory.
    type: str
    required: true
  machine:
    description: The name of the machine in the inventory.
    type: str
    required: true
  known_hosts:
    description: The file that holds the host keys of machines.
    type: str
    required: true
  args:
    description: More arguments, which come first.
    type: str
    default: ''
"""

EXAMPLES = r"""
- name: Say how a machine is reached
  ansible.builtin.debug:
    msg: "{{ hv1 | dockyard.fleet.machine_ssh_args('hv1', 'web01', '/etc/ssh/machines') }}"
  vars:
    hv1: {ansible_host: 192.0.2.10, ansible_user: admin, ansible_port: 2222}
"""

RETURN = r"""
_value:
  description: The arguments, quoted for a shell where that is needed.
  type: str
"""

from shlex import quote
from typing import Any, Callable, Dict, Iterator, Mapping

_LOCAL = ("local", "ansible.builtin.local")
_PORTS = ("ansible_port", "ansible_ssh_port")


def machine_ssh_args(
    variables: Mapping[str, Any], hypervisor: str, machine: str, known_hosts: str, args: str = ""
) -> str:
    """Return the arguments in one line, each space once."""
    parts = [
        args,
        f"-o HostKeyAlias={machine}",
        f"-o UserKnownHostsFile={quote(known_hosts)}",
        "-o GlobalKnownHostsFile=/dev/null",
        "-o StrictHostKeyChecking=yes",
    ]
    if not _is_here(variables, hypervisor):
        parts.append(f"-o ProxyCommand={quote(' '.join(_jump(variables, hypervisor)))}")
    return " ".join(" ".join(parts).split())


def _is_here(variables: Mapping[str, Any], hypervisor: str) -> bool:
    if "ansible_connection" not in variables:
        return hypervisor == "localhost"
    return variables["ansible_connection"] in _LOCAL


def _jump(variables: Mapping[str, Any], hypervisor: str) -> Iterator[str]:
    """Yield the words of an ssh to the hypervisor that goes on to the machine."""
    yield "ssh -W [%h]:%p"
    if "ansible_ssh_common_args" in variables:
        yield str(variables["ansible_ssh_common_args"])
    port = next((variables[key] for key in _PORTS if key in variables), None)
    if port:
        yield f"-p {port}"
    if "ansible_ssh_private_key_file" in variables:
        yield f"-i {quote(str(variables['ansible_ssh_private_key_file']))}"
    user = f"{variables['ansible_user']}@" if "ansible_user" in variables else ""
    yield f"{user}{variables.get('ansible_host', hypervisor)}"


class FilterModule:
    """Hand the filter to Ansible."""

    def filters(self) -> Dict[str, Callable[..., Any]]:
        """Return the filters of this file by name."""
        return {"machine_ssh_args": machine_ssh_args}
