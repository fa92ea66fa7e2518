#!/usr/bin/python
# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: vm_info
short_description: Look at virtual machines
version_added: 0.1.0
description:
  - Returns machines as M(dockyard.fleet.vm) describes them, whose they are, what waits for their
    next start, and which pools and networks they use.
  - It only reads. Cloud-init data and private keys are never shown.
author:
  - dockyard.fleet contributors (@dockyard)
extends_documentation_fragment:
  - dockyard.fleet.libvirt
  - dockyard.fleet.engine.reading
options:
  names:
    description:
      - Names. One that does not exist is returned with C(exists) false, and is no failure.
      - Without it, all machines.
    type: list
    elements: str
seealso:
  - module: dockyard.fleet.vm
"""

EXAMPLES = r"""
- name: Look at one machine
  dockyard.fleet.vm_info:
    names: [web01]
  register: seen

- name: Show where it answers
  ansible.builtin.debug:
    msg: "{{ seen.machines[0].address if seen.machines[0].exists else 'not there' }}"

- name: Look at all machines
  dockyard.fleet.vm_info:
  register: all

- name: Show which of them wait for a restart
  ansible.builtin.debug:
    msg: "{{ all.machines | selectattr('restart_required') | map(attribute='name') }}"
"""

RETURN = r"""
machines:
  description:
    - The named machines in the order of O(names), or all of them by name.
    - Each is what RV(dockyard.fleet.vm#module:vm) is, with more beside it. Of one that does not
      exist there are only C(name) and C(exists).
    - C(owned) tells whether M(dockyard.fleet.vm) made it, C(volumes) which volumes were made for
      it, C(pending) what is configured and waits for its next start, and C(restart_required)
      whether anything does.
  returned: success
  type: list
  elements: dict
  sample:
    - exists: true
      name: web01
      uuid: 4f1b3c2d-9e8a-4b6c-8d4e-3f2a1b0c9d8e
      state: running
      accelerator: {kind: kvm, reason: ""}
      vcpus: 2
      memory: 2147483648
      disks:
        root: {pool: default, size: 21474836480, image: debian-12-9f86d081884c.qcow2, bus: virtio}
      networks:
        "0": {network: default, mac: "52:54:00:5e:9a:01"}
      kernel: null
      initrd: null
      cmdline: null
      autostart: true
      macs: ["52:54:00:5e:9a:01"]
      address: 192.168.122.41
      addresses: [192.168.122.41]
      ssh_host_keys: []
      owned: true
      volumes: [{pool: default, name: web01-root.qcow2}]
      restart_required: true
      pending: ["memory: 2GiB → 4GiB"]
    - {name: gone, exists: false}
pools:
  description: The storage pools, sizes in bytes, and the machines whose disks they hold.
  returned: success
  type: list
  elements: dict
  sample:
    - name: default
      active: true
      capacity: 107374182400
      available: 53687091200
      machines: [web01]
networks:
  description: The networks, and the machines that have an interface in them.
  returned: success
  type: list
  elements: dict
  sample:
    - {name: default, active: true, machines: [web01]}
"""

from ..module_utils._libvirt.frontend.module import look
from ..module_utils._libvirt.info.readers import MACHINES

if __name__ == "__main__":
    look(MACHINES)
