#!/usr/bin/python
# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: logout
short_description: Log out of a registry
version_added: 0.1.0
description:
  - Forgets an account that Docker's client or M(dockyard.fleet.login) keeps, in its credential
    helper and in C(config.json). Other entries stay as they are.
author:
  - dockyard.fleet contributors (@dockyard)
extends_documentation_fragment:
  - dockyard.fleet.engine
  - dockyard.fleet.engine.changing
  - dockyard.fleet.engine.account
seealso:
  - module: dockyard.fleet.login
"""

EXAMPLES = r"""
- name: Log out on the host
  dockyard.fleet.logout:
    registry: "{{ registry }}"

- name: Log out here
  dockyard.fleet.logout:
    registry: "{{ registry }}"
    store: controller
    config_path: "{{ playbook_dir }}/docker/config.json"
"""

RETURN = r"""
login:
  description:
    - What is kept then, without anything secret. C(username) is empty for a token of a helper.
  returned: success
  type: dict
  sample:
    registry: registry.example.com
    username: ""
    logged_in: false
    store: pass
    config_path: /home/deploy/.docker/config.json
plan:
  description: What was done, or in check mode would be done; its C(text) is what C(--diff) shows.
  returned: success
  type: dict
  sample:
    text: |
      login/registry.example.com
        login: deploy → none [live]
          logout registry.example.com → docker-credential-pass
engine_way:
  description: The way to the engine that was taken, and why not an earlier one.
  returned: when the work was done on the host
  type: dict
  sample: {name: target, tried: []}
"""

from ..module_utils._engine.frontend.module import main
from ..module_utils._engine.registry.login import LOGOUT

if __name__ == "__main__":
    main(LOGOUT)
