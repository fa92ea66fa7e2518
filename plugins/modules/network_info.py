#!/usr/bin/python
# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: network_info
short_description: Look at networks
version_added: 0.1.0
description:
  - Returns networks as the engine describes them.
  - With O(names) the named ones, with O(filters) those that match, with both of them all of
    these, with neither every network.
author:
  - dockyard.fleet contributors (@dockyard)
extends_documentation_fragment:
  - dockyard.fleet.engine
  - dockyard.fleet.engine.reading
  - dockyard.fleet.engine.listing
seealso:
  - module: dockyard.fleet.network
"""

EXAMPLES = r"""
- name: Look at one network
  dockyard.fleet.network_info:
    names: [front]
  register: seen

- name: Show its subnets
  ansible.builtin.debug:
    msg: "{{ seen.networks[0].IPAM.Config if seen.networks[0].exists else 'not there' }}"

- name: Find the bridges that this collection made
  dockyard.fleet.network_info:
    filters:
      owned: true
      engine: {driver: bridge}
"""

RETURN = r"""
networks:
  description:
    - One for each of O(names), in order, then what O(filters) match beside these.
    - Each is the engine's answer to C(GET /networks/NAME) with C(name) and C(exists);
      of one that does not exist there are only these two.
  returned: success
  type: list
  elements: dict
  sample:
    - name: gone
      exists: false
    - name: front
      exists: true
      Id: 7d86d31b1478e7cca9ebed7e73aa0fdeec46c5ca29497431d3007d2d9e15ed99
      Driver: bridge
      IPAM: {Driver: default, Options: {}, Config: [{Subnet: 172.18.0.0/16, Gateway: 172.18.0.1}]}
      Containers: {}
engine_way:
  description: The way to the engine, its address, and why not an earlier way.
  returned: when the engine was reached
  type: dict
  sample: {name: socket, address: "unix:///var/run/docker.sock", tried: []}
"""

from ..module_utils._engine.frontend.info_module import main
from ..module_utils._engine.info.readers import NETWORKS

if __name__ == "__main__":
    main(NETWORKS)
