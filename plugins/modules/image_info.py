#!/usr/bin/python
# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: image_info
short_description: Look at images
version_added: 0.1.0
description:
  - Returns images as the engine describes them.
  - With O(names) the named ones, with O(filters) those that match, with both of them all of
    these, with neither every image.
author:
  - dockyard.fleet contributors (@dockyard)
extends_documentation_fragment:
  - dockyard.fleet.engine
  - dockyard.fleet.engine.reading
  - dockyard.fleet.engine.listing
seealso:
  - module: dockyard.fleet.image
"""

EXAMPLES = r"""
- name: Look at one image
  dockyard.fleet.image_info:
    names: ["demo/web:1"]
  register: seen

- name: Find images by a part of their names that this collection did not build
  dockyard.fleet.image_info:
    filters:
      name: [^shop/]
      owned: false
"""

RETURN = r"""
images:
  description:
    - One for each of O(names), in order, then what O(filters) match beside these.
    - Each is the engine's answer to C(GET /images/NAME/json) with C(name) and C(exists);
      of one that does not exist there are only these two.
    - C(name) is the tag that was asked for, else the first one, or the id where there is none.
  returned: success
  type: list
  elements: dict
  sample:
    - name: gone
      exists: false
    - name: demo/web:1
      exists: true
      Id: sha256:fdfc10cd2e340a6b1f6b7d4e3a2c1908f7e6d5c4b3a291807f6e5d4c3b2a1908
      RepoTags: ["demo/web:1"]
      Size: 1985472
engine_way:
  description: The way to the engine, its address, and why not an earlier way.
  returned: when the engine was reached
  type: dict
  sample: {name: socket, address: "unix:///var/run/docker.sock", tried: []}
"""

from ..module_utils._engine.frontend.info_module import main
from ..module_utils._engine.info.readers import IMAGES

if __name__ == "__main__":
    main(IMAGES)
