#!/usr/bin/python
# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: run
short_description: Run a container to its end
version_added: 0.1.0
description:
  - Runs a job, such as a migration or a backup, in a container of its own, and returns its exit
    code and output. It takes the options of M(dockyard.fleet.container) that say what a container
    is; what they say of changes does not matter here.
  - An exit code other than 0 fails the task, with what the code means and the last lines of the
    output in the message. Use C(failed_when) where another code is right.
  - The container is removed afterwards, its anonymous volumes too; see O(cleanup).
  - If the task is killed, the job goes on. The next task with the same declaration awaits it and
    takes its result; with another one it is refused. A job that has ended meanwhile is run anew.
  - A job holds no lock on the engine. Do not give one name to two jobs that may run at once.
  - The task is C(changed) whenever the job has run. Use C(changed_when) for one that only looks.
author:
  - dockyard.fleet contributors (@dockyard)
extends_documentation_fragment:
  - dockyard.fleet.engine
  - dockyard.fleet.container_service
  - dockyard.fleet.container_runs
  - dockyard.fleet.container_limits
  - dockyard.fleet.container_shares
options:
  name:
    description:
      - The name of the job's container; two or more letters, digits, V(_), V(.) or V(-). No other
        container may have it.
    type: str
    required: true
  image:
    description:
      - The image, as C([REGISTRY/]NAME[:TAG]), C(NAME@DIGEST) or an image id.
    type: str
    required: true
  pull_policy:
    description:
      - When the image is pulled, as for M(dockyard.fleet.container).
    type: str
    default: missing
  stdin:
    description: What the job reads from standard input. Without it there is none.
    type: str
  stdin_add_newline:
    description: Adds a newline to O(stdin).
    type: bool
    default: true
  wait_timeout:
    description:
      - How long the job may take, as a duration such as V(30s) or V(1h). A job that takes longer is
        stopped, within O(stop_grace_period), and the task fails.
      - Without it there is no limit.
    type: str
  cleanup:
    description:
      - Removes the container when the job has ended, whatever its exit code. With V(false) it stays
        until the next run of the job.
    type: bool
    default: true
  strip_empty_ends:
    description: Takes line ends off the end of RV(stdout) and RV(stderr).
    type: bool
    default: true
attributes:
  check_mode:
    description: Says what would run, and runs nothing. What the job would do is not known.
    support: full
  diff_mode:
    description: Shows the steps under C(--diff).
    support: full
  idempotent:
    description: A job runs every time.
    support: none
seealso:
  - module: dockyard.fleet.container
  - module: dockyard.fleet.exec
"""

EXAMPLES = r"""
- name: Look at what an image holds
  dockyard.fleet.run:
    name: look
    image: demo/web:1
    command: ls /srv
  register: look
  changed_when: false

- name: Fill a volume from standard input, within a minute
  dockyard.fleet.run:
    name: fill
    image: demo/web:1
    command: [sh, -c, "cat >/data/page"]
    stdin: "<h1>Hello</h1>"
    volumes: ["web-data:/data"]
    secret_environment:
      TOKEN: "{{ web_token }}"
    mem_limit: 64m
    wait_timeout: 1m
  changed_when: false
"""

RETURN = r"""
rc:
  description: The exit code; null if the job took too long.
  returned: when it ran
  type: int
  sample: 0
stdout:
  description: What was written to standard output; all output of a terminal is here.
  returned: when it ran
  type: str
  sample: "index.html"
stdout_lines:
  description: The same as a list of lines.
  returned: when it ran
  type: list
  elements: str
  sample: [index.html]
stderr:
  description: What was written to standard error. Values of O(secret_environment) are masked.
  returned: when it ran
  type: str
  sample: ""
stderr_lines:
  description: The same as a list of lines.
  returned: when it ran
  type: list
  elements: str
  sample: []
oom_killed:
  description: Whether a process of it was killed because it ran out of memory.
  returned: when the exit code is not 0
  type: bool
  sample: false
container:
  description:
    - The container afterwards, as the engine describes it, secret values masked; null if it was
      removed.
  returned: success
  type: dict
  sample: null
plan:
  description: What was done, or in check mode would be done; its C(text) is what C(--diff) shows.
  returned: success, or when the plan failed
  type: dict
  sample:
    text: |
      container/look
        run: ls /srv [none]
          create look · start look · wait look · remove look
failed_step:
  description: The step that failed, in words.
  returned: when a step failed
  type: str
  sample: wait look
engine_way:
  description: The way to the engine that was taken, and why not an earlier one.
  returned: when the engine was reached
  type: dict
  sample: {name: forward, tried: []}
"""

from ..module_utils._engine.frontend.module import main
from ..module_utils._engine.run.resource import JOB

if __name__ == "__main__":
    main(JOB)
