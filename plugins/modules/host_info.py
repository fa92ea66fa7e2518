#!/usr/bin/python
# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: host_info
short_description: Look at the container engine of a host
version_added: 0.1.0
description:
  - Returns which engine a host has, how it is set up, and how much it holds.
author:
  - dockyard.fleet contributors (@dockyard)
extends_documentation_fragment:
  - dockyard.fleet.engine
  - dockyard.fleet.engine.reading
options:
  disk_usage:
    description:
      - Adds RV(disk_usage). Engines look at every file for it, which can take minutes.
    type: bool
    default: false
seealso:
  - module: dockyard.fleet.container_info
"""

EXAMPLES = r"""
- name: Look at the engine
  dockyard.fleet.host_info:
  register: host

- name: Refuse hosts that cannot keep containers over a restart of the engine
  ansible.builtin.assert:
    that: host.info.LiveRestoreEnabled is boolean
    fail_msg: "{{ host.kind }} {{ host.version.Version }} does not know live-restore"

- name: See what fills the disk, in bytes
  dockyard.fleet.host_info:
    disk_usage: true
"""

RETURN = r"""
exists:
  description: False in check mode, if an earlier task would install the engine; else true.
  returned: success
  type: bool
  sample: true
kind:
  description: The family of the engine, V(docker) or V(podman).
  returned: when the engine exists
  type: str
  sample: docker
api:
  description: The API version that is spoken with it.
  returned: when the engine exists
  type: str
  sample: "1.41"
version:
  description: The engine's answer to C(GET /version).
  returned: when the engine exists
  type: dict
  sample: {Version: 20.10.24, ApiVersion: "1.41", Os: linux, Arch: amd64}
info:
  description: The engine's answer to C(GET /info).
  returned: when the engine exists
  type: dict
  sample: {Driver: overlay2, CgroupVersion: "2", LiveRestoreEnabled: true, NCPU: 2}
counts:
  description: How many containers and images there are.
  returned: when the engine exists
  type: dict
  sample: {containers: 3, running: 2, paused: 0, stopped: 1, images: 4}
disk_usage:
  description: Bytes that images, containers, volumes and the build cache fill.
  returned: when O(disk_usage=true)
  type: dict
  sample: {images: 265912320, containers: 4096, volumes: 1048576, build_cache: 0}
engine_way:
  description: The way to the engine, its address, and why not an earlier way.
  returned: when the engine was reached
  type: dict
  sample: {name: socket, address: "unix:///var/run/docker.sock", tried: []}
"""

from ..module_utils._engine.frontend.info_module import main
from ..module_utils._engine.info.readers import HOST

if __name__ == "__main__":
    main(HOST)
