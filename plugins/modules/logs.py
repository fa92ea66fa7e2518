#!/usr/bin/python
# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: logs
short_description: Read what a container has written, or wait for a line of it
version_added: 0.1.0
description:
  - Returns the output of a container, running or not, as far as its log driver keeps it.
  - With O(wait_for) it follows the output until a line matches. If the container ends before, the
    wait ends at once and says so.
  - Output of more than 64 MiB fails the task; ask for its end with O(tail).
author:
  - dockyard.fleet contributors (@dockyard)
extends_documentation_fragment:
  - dockyard.fleet.engine
  - dockyard.fleet.engine.reading
options:
  container:
    description: Name or whole id (64 digits) of the container.
    type: str
    required: true
  tail:
    description: How many of the last lines, or V(all).
    type: str
    default: all
  since:
    description:
      - Only what was written since then, as a duration that has passed (V(10m)), as a date and
        time (V(2026-03-01T12:00:00Z), UTC if no zone is given), or in seconds since 1970.
      - Durations are counted back from the clock of the machine that asks the engine.
    type: str
  until:
    description: Only what was written until then, in the forms of O(since).
    type: str
  timestamps:
    description: Puts the time in front of each line.
    type: bool
    default: false
  streams:
    description: Which streams to read.
    type: list
    elements: str
    choices: [stdout, stderr]
    default: [stdout, stderr]
  wait_for:
    description:
      - A regular expression of Python; waits until it matches a part of a line. Lines that are
        there already count, as far as O(since) and O(tail) let them.
      - In check mode, nothing is waited for if an earlier task would change the container.
    type: str
  wait_timeout:
    description: How long to wait for O(wait_for), as a duration.
    type: str
    default: 1m
  strip_empty_ends:
    description: Takes line ends off the end of RV(stdout) and RV(stderr), as in exec and run.
    type: bool
    default: true
seealso:
  - module: dockyard.fleet.container
"""

EXAMPLES = r"""
- name: Read the last lines
  dockyard.fleet.logs:
    container: site
    tail: "20"
    since: 10m
  register: said

- name: Show them
  ansible.builtin.debug:
    var: said.stdout_lines

- name: Wait until the server says that it is ready
  dockyard.fleet.logs:
    container: site
    wait_for: "listening on port [0-9]+"
    wait_timeout: 30s
"""

RETURN = r"""
container:
  description: The container, with its C(name), its C(id) and whether it is C(running).
  returned: success
  type: dict
  sample:
    name: site
    id: 4f1b3c2d9e8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c
    running: true
stdout:
  description: What was written to standard output; all output of a terminal is here.
  returned: success, and when a line was waited for in vain
  type: str
  sample: ready
stdout_lines:
  description: The same as a list of lines.
  returned: success, and when a line was waited for in vain
  type: list
  elements: str
  sample: [ready]
stderr:
  description: What was written to standard error.
  returned: success, and when a line was waited for in vain
  type: str
  sample: ""
stderr_lines:
  description: The same as a list of lines.
  returned: success, and when a line was waited for in vain
  type: list
  elements: str
  sample: []
matched:
  description: The line that was waited for.
  returned: when O(wait_for) is given
  type: str
  sample: listening on port 80
engine_way:
  description: The way to the engine that was taken, and why not an earlier one.
  returned: when the engine was reached
  type: dict
  sample: {name: forward, tried: []}
"""

from ..module_utils._engine.frontend.info_module import main
from ..module_utils._engine.info.logs import LOGS

if __name__ == "__main__":
    main(LOGS)
