#!/usr/bin/python
# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: container_info
short_description: Look at containers
version_added: 0.1.0
description:
  - Returns containers as the engine describes them.
  - With O(names) the named ones, with O(filters) those that match, with both of them all of
    these, with neither every container.
author:
  - dockyard.fleet contributors (@dockyard)
extends_documentation_fragment:
  - dockyard.fleet.engine
  - dockyard.fleet.engine.reading
  - dockyard.fleet.engine.listing
options:
  filters:
    description: What must hold of it; all of the given ones.
    type: dict
    suboptions:
      label:
        description: Labels, as C(KEY) or C(KEY=VALUE); all of them must be there.
        type: list
        elements: str
      name:
        description: Regular expressions; one of them must match a part of the name.
        type: list
        elements: str
      owned:
        description:
          - Whether this collection made it (V(true)) or did not (V(false)). A label that it has
            from its image does not say so.
        type: bool
      engine:
        description:
          - The engine's own filters, by their names in its API, each with one value or a list.
        type: dict
      state:
        description: States; a container must be in one of them.
        type: list
        elements: str
        choices: [created, dead, exited, paused, removing, restarting, running]
seealso:
  - module: dockyard.fleet.container
"""

EXAMPLES = r"""
- name: Look at one container
  dockyard.fleet.container_info:
    names: [web]
  register: seen

- name: Show its state
  ansible.builtin.debug:
    msg: "{{ seen.containers[0].State.Status if seen.containers[0].exists else 'not there' }}"

- name: Find what runs with a label
  dockyard.fleet.container_info:
    filters:
      label: [com.example.team=shop]
      state: [running]
"""

RETURN = r"""
containers:
  description:
    - One for each of O(names), in order, then what O(filters) match beside these.
    - Each is the engine's answer to C(GET /containers/NAME/json) with C(name) (without the
      slash) and C(exists); of one that does not exist there are only these two.
    - Values of environment keys that were given as secrets are masked.
  returned: success
  type: list
  elements: dict
  sample:
    - name: web
      exists: true
      Id: 4f1b3c2d9e8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c
      State: {Status: running, Running: true, ExitCode: 0}
      Config: {Image: "demo/web:1", Env: ["LOG=info", "TOKEN=********"]}
    - name: gone
      exists: false
engine_way:
  description: The way to the engine, its address, and why not an earlier way.
  returned: when the engine was reached
  type: dict
  sample: {name: socket, address: "unix:///var/run/docker.sock", tried: []}
"""

from ..module_utils._engine.frontend.info_module import main
from ..module_utils._engine.info.readers import CONTAINERS

if __name__ == "__main__":
    main(CONTAINERS)
