#!/usr/bin/python
# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: pending
short_description: Tell later tasks of a check what would change
version_added: 0.1.0
description:
  - In check mode nothing is installed, so a later task would find no engine and fail. This tells
    the later tasks of the same run and host that O(address) would be made or changed, and why.
    They plan with it.
  - Outside of check mode it does nothing but show the cause.
  - It is for roles that install or restart what other tasks of this collection use.
author:
  - dockyard.fleet contributors (@dockyard)
options:
  address:
    description:
      - What would change, by its address in plans, such as V(engine).
    type: str
    required: true
  cause:
    description:
      - What would happen to it, in words.
    type: str
    required: true
attributes:
  check_mode:
    description: It is made for check mode, and changes nothing in either.
    support: full
  diff_mode:
    description: Has nothing to show.
    support: N/A
  idempotent:
    description: Never changes anything.
    support: full
notes:
  - It runs on the controller; nothing is needed on the host.
"""

EXAMPLES = r"""
- name: Say in check mode that there will be an engine
  dockyard.fleet.pending:
    address: engine
    cause: docker.io will be installed
  when: ansible_check_mode
"""

RETURN = r"""
msg:
  description: The address and what would happen to it.
  returned: success
  type: str
  sample: "engine: docker.io will be installed"
"""
