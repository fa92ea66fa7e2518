#!/usr/bin/python
# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: declared
short_description: Run a module of this collection with options from one mapping
version_added: 0.1.0
description:
  - Does what the module O(kind) does with O(options), and returns what it returns. It is for roles
    that take entries from an inventory, such as the role P(dockyard.fleet.workloads#role).
  - C(args) with a template does the same, but Ansible warns of it wherever facts are variables too.
author:
  - dockyard.fleet contributors (@dockyard)
options:
  kind:
    description:
      - The module, without the name of the collection.
    type: str
    required: true
    choices: [image, network, volume, container, stack, login, vm, vm_image]
  options:
    description:
      - The options of that module, which checks them. Those of C(module_defaults) for it and for
        its group lie beneath.
    type: dict
    required: true
attributes:
  check_mode:
    description: As the module does.
    support: full
  diff_mode:
    description: As the module does.
    support: full
  idempotent:
    description: As the module is.
    support: full
"""

EXAMPLES = r"""
- name: Keep volumes as declared
  dockyard.fleet.declared:
    kind: volume
    options: "{{ item }}"
  loop:
    - {name: shop-data}
    - {name: shop-logs, labels: {team: shop}}
"""

RETURN = r"""
plan:
  description: The plan; and all else that the module returns.
  returned: success
  type: dict
  sample: {"steps": [], "notes": []}
"""
