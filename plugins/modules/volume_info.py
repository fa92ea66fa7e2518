#!/usr/bin/python
# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: volume_info
short_description: Look at volumes
version_added: 0.1.0
description:
  - Returns volumes as the engine describes them.
  - With O(names) the named ones, with O(filters) those that match, with both of them all of
    these, with neither every volume.
author:
  - dockyard.fleet contributors (@dockyard)
extends_documentation_fragment:
  - dockyard.fleet.engine
  - dockyard.fleet.engine.reading
  - dockyard.fleet.engine.listing
seealso:
  - module: dockyard.fleet.volume
"""

EXAMPLES = r"""
- name: Look at one volume
  dockyard.fleet.volume_info:
    names: [shop-data]
  register: seen

- name: Find volumes that no container mounts
  dockyard.fleet.volume_info:
    filters:
      name: [^shop-]
      engine: {dangling: true}
"""

RETURN = r"""
volumes:
  description:
    - One for each of O(names), in order, then what O(filters) match beside these.
    - Each is the engine's answer to C(GET /volumes/NAME) with C(name) and C(exists);
      of one that does not exist there are only these two.
    - Values of secret driver options and passwords in mount options are masked.
  returned: success
  type: list
  elements: dict
  sample:
    - name: gone
      exists: false
    - name: shop-data
      exists: true
      Driver: local
      Mountpoint: /var/lib/docker/volumes/shop-data/_data
      Options: {type: cifs, o: "username=shop,password=********"}
engine_way:
  description: The way to the engine, its address, and why not an earlier way.
  returned: when the engine was reached
  type: dict
  sample: {name: socket, address: "unix:///var/run/docker.sock", tried: []}
"""

from ..module_utils._engine.frontend.info_module import main
from ..module_utils._engine.info.readers import VOLUMES

if __name__ == "__main__":
    main(VOLUMES)
