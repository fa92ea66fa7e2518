#!/usr/bin/python
# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: exec
short_description: Run a command in a running container
version_added: 0.1.0
description:
  - Runs a command inside a container and returns its exit code and output.
  - No shell is used unless the command names one, such as C(["sh", "-c", "a | b"]).
  - An exit code other than 0 fails the task, with the last lines of the output in the message. Use
    C(failed_when) where another code is right.
  - Unless O(creates) or O(removes) say that there is nothing to do, the task is C(changed). Use
    C(changed_when) for a command that only looks.
  - In check mode nothing runs. As with M(ansible.builtin.command) the task is skipped, unless
    O(creates) or O(removes) tell that the command would run.
  - Output of more than 64 MiB fails the task; write it to a file instead.
author:
  - dockyard.fleet contributors (@dockyard)
extends_documentation_fragment:
  - dockyard.fleet.engine
options:
  container:
    description: Name or whole id (64 digits) of a running container.
    type: str
    required: true
  command:
    description:
      - The command as a list of words, or as one text that is split into words as a shell would.
      - It can be read by everybody who may use the engine, and is shown in plans and results. It
        is no place for secrets.
    type: raw
    required: true
    aliases: [argv]
  environment:
    description: Further environment, as a mapping or a list of C(KEY=VALUE).
    type: raw
    aliases: [env]
  secret_environment:
    description:
      - Further environment that is secret, as a mapping. The values are masked in the output of
        the command.
    type: dict
    aliases: [secret_env]
  user:
    description: 'The user, as C(USER[:GROUP]), by name or number; the default is the container''s.'
    type: str
  working_dir:
    description: The folder that the command starts in; the default is the container's.
    type: str
    aliases: [chdir]
  stdin:
    description: What the command reads from standard input. Without it there is none.
    type: str
  stdin_add_newline:
    description: Adds a newline to O(stdin).
    type: bool
    default: true
  tty:
    description: Gives the command a terminal. Its whole output is then in RV(stdout).
    type: bool
    default: false
  privileged:
    description: Gives the command all capabilities.
    type: bool
    default: false
  detach:
    description: Starts the command and does not wait for it. What comes of it is not known then.
    type: bool
    default: false
  creates:
    description:
      - A path in the container; if it exists, the command is not run.
      - It is looked up by the engine, so nothing is needed inside. Folders that are mounted as
        tmpfs cannot be seen. Patterns such as V(/srv/*.done) are refused, since a folder of a
        container is not listed.
    type: str
  removes:
    description:
      - A path in the container, as O(creates); if it does not exist, the command is not run.
    type: str
  wait_timeout:
    description:
      - How long the command may take, as a duration such as V(30s) or V(5m). Without it there is
        no limit but C(engine_timeout) for each answer of the engine itself. A command may rightly
        say nothing for hours, and a host whose runtime hangs cannot be told from that, so give one
        where a task must not wait for ever; the task keyword C(timeout) does as well.
      - An engine cannot end a command, so it goes on in the container after the task has failed.
    type: str
  strip_empty_ends:
    description: Takes line ends off the end of RV(stdout) and RV(stderr).
    type: bool
    default: true
attributes:
  check_mode:
    description: Says what would run, and runs nothing.
    details:
      - Without O(creates) and O(removes) nobody can tell whether a command changes anything, so the
        task is skipped then.
    support: partial
  diff_mode:
    description: Shows the command under C(--diff).
    support: full
  idempotent:
    description: A command runs every time, unless O(creates) or O(removes) say otherwise.
    support: partial
seealso:
  - module: dockyard.fleet.container
  - module: dockyard.fleet.copy
  - module: ansible.builtin.command
"""

EXAMPLES = r"""
- name: Read a page
  dockyard.fleet.exec:
    container: site
    command: cat /srv/index.html
  register: page
  changed_when: false

- name: Prepare the data once
  dockyard.fleet.exec:
    container: site
    command: [sh, -c, "mkdir -p /srv/data && echo 1 >/srv/data/.ready"]
    working_dir: /srv
    creates: /srv/data/.ready

- name: Feed a program, with a secret in its environment
  dockyard.fleet.exec:
    container: site
    command: [sh, -c, 'cat; test -n "$TOKEN"']
    stdin: "select 1;"
    secret_environment:
      TOKEN: "{{ web_token }}"
    wait_timeout: 30s
  changed_when: false
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
rc:
  description: The exit code; null if the command took too long.
  returned: unless O(detach=true)
  type: int
  sample: 0
stdout:
  description: What was written to standard output; all output of a terminal is here.
  returned: unless O(detach=true)
  type: str
  sample: "ready\n"
stdout_lines:
  description: The same as a list of lines.
  returned: unless O(detach=true)
  type: list
  elements: str
  sample: [ready]
stderr:
  description: What was written to standard error.
  returned: unless O(detach=true)
  type: str
  sample: ""
stderr_lines:
  description: The same as a list of lines.
  returned: unless O(detach=true)
  type: list
  elements: str
  sample: []
cmd:
  description: The words of the command, secret values masked.
  returned: when it ran
  type: list
  elements: str
  sample: [cat, /srv/index.html]
exec_id:
  description: The engine's id of a command that was not waited for.
  returned: when O(detach=true)
  type: str
  sample: 548cb9b053476fea538c7a969f308eb0e9c56e22deff29641d2a
plan:
  description: What was done, or in check mode would be done; its C(text) is what C(--diff) shows.
  returned: success
  type: dict
  sample:
    text: |
      exec/site
        command: cat /srv/index.html [live]
          exec site
engine_way:
  description: The way to the engine that was taken, and why not an earlier one.
  returned: when the engine was reached
  type: dict
  sample: {name: forward, tried: []}
"""

from ..module_utils._engine.exec.resource import EXEC
from ..module_utils._engine.frontend.module import main

if __name__ == "__main__":
    main(EXEC)
