#!/usr/bin/python
# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: logout
short_description: Log out of a registry
version_added: 0.2.0
description:
  - Forgets an account that Docker's client or M(dockyard.fleet.login) keeps, in its credential
    helper and in C(config.json). Other entries stay as they are.
author:
  - dockyard.fleet contributors (@dockyard)
extends_documentation_fragment:
  - dockyard.fleet.engine
  - dockyard.fleet.engine.changing
options:
  registry:
    description: The registry, as C(HOST[:PORT]); the default is Docker Hub.
    type: str
    default: docker.io
  store:
    description:
      - On which machine the account is kept, for the user that the task runs as there.
      - V(host) is the host of the task. It is what C(docker) and Compose use there, and what
        M(dockyard.fleet.image) uses with C(engine_via=target). Python is needed on the host.
      - V(controller) is the machine that runs Ansible. It is what M(dockyard.fleet.image) uses
        whenever it reaches the engine by a channel, which it does by default.
      - The work is done there, whatever O(engine_via) says.
    type: str
    choices: [controller, host]
    default: host
  config_path:
    description:
      - The absolute path of the client's C(config.json) on that machine. The default is in the
        folder that E(DOCKER_CONFIG) names, else in C(.docker) of the user's home.
    type: str
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

from ..module_utils._engine.login import LOGOUT
from ..module_utils._engine.module import main

if __name__ == "__main__":
    main(LOGOUT)
