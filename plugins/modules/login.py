#!/usr/bin/python
# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: login
short_description: Log in at a registry
version_added: 0.1.0
description:
  - Proves an account at a registry, through the engine, and keeps it as Docker's client does, so
    that the client and this collection find it.
  - If the client's C(config.json) names a credential helper for the registry (C(credHelpers)) or
    for all (C(credsStore)), the helper keeps the password. Otherwise it would stand in that file,
    readable for its owner, and that needs O(plain_text=true).
  - It is proven in check mode too. The engine asks the registry, and keeps nothing.
  - What is kept already is not proven again. Of an identity token, which some registries give
    instead of the password, only the user is compared.
  - An account for one task alone needs no login; see the options of M(dockyard.fleet.image).
author:
  - dockyard.fleet contributors (@dockyard)
extends_documentation_fragment:
  - dockyard.fleet.engine
  - dockyard.fleet.engine.changing
  - dockyard.fleet.engine.account
options:
  username:
    description: The user at the registry.
    type: str
    required: true
  password:
    description: The user's password or token. It is in no output and no process list.
    type: str
    required: true
  plain_text:
    description: Agrees that the password stands in C(config.json) if no helper is named there.
    type: bool
    default: false
seealso:
  - module: dockyard.fleet.logout
  - module: dockyard.fleet.image
"""

EXAMPLES = r"""
- name: Log in on the host, for docker and Compose there
  dockyard.fleet.login:
    registry: "{{ registry }}"
    username: "{{ registry_user }}"
    password: "{{ registry_password }}"
    plain_text: true

- name: Log in here, for images that are pulled and pushed by a channel
  dockyard.fleet.login:
    registry: "{{ registry }}"
    username: "{{ registry_user }}"
    password: "{{ registry_password }}"
    store: controller
    config_path: "{{ playbook_dir }}/docker/config.json"
    plain_text: true
"""

RETURN = r"""
login:
  description:
    - What is kept then, without anything secret. C(username) is empty for a token of a helper.
  returned: success
  type: dict
  sample:
    registry: registry.example.com
    username: deploy
    logged_in: true
    store: pass
    config_path: /home/deploy/.docker/config.json
plan:
  description: What was done, or in check mode would be done; its C(text) is what C(--diff) shows.
  returned: success
  type: dict
  sample:
    text: |
      login/registry.example.com
        login: none → deploy [live]
          login registry.example.com → docker-credential-pass
engine_way:
  description: The way to the engine that was taken, and why not an earlier one.
  returned: when the engine was reached
  type: dict
  sample: {name: forward, tried: []}
"""

from ..module_utils._engine.frontend.module import main
from ..module_utils._engine.registry.login import LOGIN

if __name__ == "__main__":
    main(LOGIN)
