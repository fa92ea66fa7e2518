#!/usr/bin/python
# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: network
short_description: Create, replace and remove container networks
version_added: 0.1.0
description:
  - Keeps a network of the container engine as declared, with the keys of the Compose Specification.
  - A network's settings are fixed when it is made, so every change replaces it. Containers keep
    running meanwhile; all of them, stopped ones too, are connected anew with the aliases, links
    and fixed addresses that they had. Docker since API 1.44 gives a fixed MAC address only to a
    container that it creates, so there a container with one forbids the replacement. Podman does
    not tell what is fixed; there running containers keep the addresses that they have, where the
    new network holds them.
  - Networks that this collection or Compose made are compared in full, and omitted means default.
    What the engine chose by itself, such as a subnet, never counts as a change.
  - During a replacement a configuration-only network named C(NAME.old-ID) holds what has to be
    put back. If the run is interrupted, the next one goes on from it. If the new network cannot
    be made, the old one is made again, with its subnet and all that was connected.
  - Of networks that nobody here made, only declared keys are compared.
author:
  - dockyard.fleet contributors (@dockyard)
extends_documentation_fragment:
  - dockyard.fleet.engine
  - dockyard.fleet.engine.changing
  - dockyard.fleet.engine.kept
options:
  name:
    description:
      - The name of the network. Two networks of one name, which Docker before 25 allows, are
        refused with their ids.
    type: str
    required: true
  driver:
    description: The driver; the default is V(bridge). A change replaces the network.
    type: str
  driver_opts:
    description:
      - Options of the driver, as a mapping or a list of C(KEY=VALUE). Options that come from the
        engine's own settings are left alone. A change replaces the network.
      - Podman honours C(com.docker.network.driver.mtu), C(com.docker.network.bridge.name),
        C(parent) and C(mode); others are refused there.
    type: raw
  ipam:
    description: How addresses are given out. A change replaces the network.
    type: dict
    suboptions:
      driver:
        description: The driver of the addresses; the default is V(default). Not with Podman.
        type: str
      config:
        description: Subnets. Without any, the engine chooses one.
        type: list
        elements: dict
        suboptions:
          subnet:
            description: The subnet, such as V(10.20.0.0/24).
            type: str
            required: true
          gateway:
            description: The address of the gateway; by default the engine chooses the first.
            type: str
          ip_range:
            description: The part of the subnet from which containers get their addresses.
            type: str
          aux_addresses:
            description:
              - Addresses that no container gets, by the name of what has them. Not with Podman.
            type: dict
      options:
        description:
          - Options of that driver, as a mapping or a list of C(KEY=VALUE). Not with Podman.
        type: raw
  internal:
    description:
      - Leads nowhere outside; the default is V(false). A change replaces the network.
    type: bool
  attachable:
    description:
      - Lets containers that are no services of a swarm connect; the default is V(false). A change
        replaces the network. Not with Podman.
    type: bool
  enable_ipv6:
    description:
      - Gives IPv6 addresses as well; the default is V(false). Before Docker 27 that needs an IPv6
        subnet in O(ipam.config). A change replaces the network.
    type: bool
  enable_ipv4:
    description:
      - Gives IPv4 addresses; the default is V(true). It needs API 1.48 (Docker 28). A change
        replaces the network. Not with Podman.
    type: bool
  labels:
    description:
      - Labels, as a mapping or a list of C(KEY=VALUE). A change replaces the network.
      - Names that begin with C(dockyard.fleet.) are kept by the collection.
    type: raw
  force:
    description:
      - With O(state=absent), disconnects the containers that use the network. Without it they
        forbid the removal.
      - A removal that was interrupted is finished by the same task. O(state=present) undoes it
        instead, so that the containers are connected again.
    type: bool
    default: false
seealso:
  - module: dockyard.fleet.network_info
  - module: dockyard.fleet.container
"""

EXAMPLES = r"""
- name: Have a network with addresses of our choice
  dockyard.fleet.network:
    name: shop
    driver_opts:
      com.docker.network.driver.mtu: 1400
    ipam:
      config:
        - subnet: 10.20.30.0/24
          gateway: 10.20.30.254
          ip_range: 10.20.30.128/25
    labels:
      com.example.team: shop

- name: Replace it by one that leads nowhere outside, and connect its containers anew
  dockyard.fleet.network:
    name: shop
    internal: true

- name: Insist on a network that somebody else keeps
  dockyard.fleet.network:
    name: front
    external: true

- name: Remove a network that no container uses
  dockyard.fleet.network:
    name: shop
    state: absent
"""

RETURN = r"""
network:
  description: The network as the engine lists it afterwards; null if it is not there.
  returned: success
  type: dict
  sample:
    Name: shop
    Id: 7d86d31b1478e7cca9ebed7e73aa0fdeec46c5ca29497431d3007d2d9e15ed99
    Driver: bridge
    Internal: false
    IPAM: {Driver: default, Options: {}, Config: [{Subnet: 10.20.30.0/24}]}
    Labels: {com.example.team: shop}
plan:
  description:
    - What was done, or in check mode would be done; its C(text) is what C(--diff) shows.
  returned: success
  type: dict
  sample:
    text: "network/shop\n  internal: false → true [replace]\n    save_note shop.old-7d86d31b1478 ·
      remove shop · create shop · remove_note shop.old-7d86d31b1478\n"
    steps: []
    notes: []
    pending: []
    refused: []
    fingerprint: 8c6976e5b5410415
    declared: {}
created:
  description: Whether the network was made where there was none.
  returned: success
  type: bool
  sample: true
updated:
  description: Whether containers were connected that an interrupted run had left without it.
  returned: success
  type: bool
  sample: false
replaced:
  description: Whether the network was replaced.
  returned: success
  type: bool
  sample: false
restarted:
  description: Always false for networks.
  returned: success
  type: bool
  sample: false
engine_way:
  description: The way to the engine that was taken, why not an earlier one, and what is locked.
  returned: when the engine was reached
  type: dict
  sample: {name: forward, tried: [], lock: controller}
"""

from ..module_utils._engine.frontend.module import main
from ..module_utils._engine.network.resource import NETWORK

if __name__ == "__main__":
    main(NETWORK)
