# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines of one play that declare the same addresses: the filter behind role machines."""

from __future__ import annotations

DOCUMENTATION = r"""
name: machine_twins
author: dockyard.fleet contributors (@dockyard)
version_added: 0.1.0
short_description: Find machines that declare one MAC or one reservation
description:
  - Says of each machine that declares the same MAC, or reserves the same address of a network, as
    another one on its hypervisor, what is wrong. Machines that are made side by side do not see
    each other yet.
options:
  _input:
    description:
      - The machines by their inventory names, each with C(hypervisor) and C(vm), the options of the
        module M(dockyard.fleet.vm). One without them counts for nothing.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Say which machines are in each other's way
  ansible.builtin.debug:
    msg: "{{ machines | dockyard.fleet.machine_twins }}"
  vars:
    machines:
      web01: {hypervisor: hv1, vm: {networks: [{address: 192.168.122.51}]}}
      web02: {hypervisor: hv1, vm: {networks: [{address: 192.168.122.51}]}}
"""

RETURN = r"""
_value:
  description: The first thing that is wrong, by the inventory name of the machine.
  type: dict
"""

from typing import Any, Callable, Dict, Iterator, List, Mapping, Tuple

from ..module_utils._libvirt.client.options import DEFAULT_URI, hypervisor_name

Claim = Tuple[str, ...]


def machine_twins(machines: Mapping[str, Any]) -> Dict[str, str]:
    """Return what is wrong with machines that claim the same as another one."""
    claims: Dict[Claim, List[Tuple[str, str]]] = {}
    for name, machine in machines.items():
        for option, claim in _claims(machine or {}):
            claims.setdefault(claim, []).append((name, option))
    wrong: Dict[str, str] = {}
    for claim, claimants in claims.items():
        for name, option in claimants:
            others = sorted({other for other, _option in claimants} - {name})
            if others:
                wrong.setdefault(
                    name,
                    f"machines_vm.{option}: {', '.join(others)} on {claim[0]} has {claim[-1]} as"
                    " well; give each machine its own",
                )
    return wrong


def _claims(machine: Mapping[str, Any]) -> Iterator[Tuple[str, Claim]]:
    """Yield what a machine alone may have; what is malformed is the module's to refuse."""
    options = machine.get("vm")
    if not isinstance(options, Mapping) or options.get("state") == "absent":
        return
    networks = options.get("networks")
    uri = hypervisor_name(str(options.get("uri") or DEFAULT_URI))
    host = (str(machine.get("hypervisor")), uri)
    for number, entry in enumerate(networks if isinstance(networks, list) else []):
        if not isinstance(entry, Mapping):
            continue
        if entry.get("mac"):
            mac = str(entry["mac"]).lower().replace("-", ":")
            yield f"networks[{number}].mac", (*host, "mac", mac)
        if entry.get("address"):
            network = str(entry.get("network") or "default")
            yield f"networks[{number}].address", (*host, network, str(entry["address"]))


class FilterModule:
    """Hand the filter to Ansible."""

    def filters(self) -> Dict[str, Callable[..., Any]]:
        """Return the filters of this file by name."""
        return {"machine_twins": machine_twins}
