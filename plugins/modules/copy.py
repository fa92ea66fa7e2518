#!/usr/bin/python
# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: copy
short_description: Copy files into a container, or out of one
version_added: 0.1.0
description:
  - Copies a file, a text or a whole folder from the controller into a container, or with O(fetch)
    out of a container to the controller.
  - The engine does the work. The container need not run, and nothing is needed inside it.
  - What is there is read back and compared by content, mode bits, owner and group, and by the
    targets of links; times do not count. Only what differs is sent, and in check mode it is said.
  - To compare a folder, the engine sends all of O(dest) as it is. Name a folder of your own, not
    one such as C(/usr).
  - What is in O(dest) and not in O(src) stays. The engine has no way to remove a file; use
    M(dockyard.fleet.exec) for that.
  - The engine puts each file in place of the old one while it receives it, so that a program that
    reads a file at that moment may see a part of it. Where the engine's disk is full, a file stays
    cut; the error names it, and the next run completes it.
  - A container or a mount that is read-only is refused in check mode too.
  - Links in a folder are copied as links. An O(src) that is itself a link is followed.
  - Folders above O(dest) that do not exist are made, with mode C(0755).
author:
  - dockyard.fleet contributors (@dockyard)
extends_documentation_fragment:
  - dockyard.fleet.engine
options:
  container:
    description: Name or whole id (64 digits) of the container.
    type: str
    required: true
  src:
    description:
      - The file or folder on the controller. A relative path is looked for as with
        M(ansible.builtin.copy), also in the C(files) folder of a role. A V(~) is not expanded.
      - A file that is encrypted with a vault is decrypted, and treated as O(secret). In a folder
        files are copied as they are.
      - With O(fetch), the absolute path in the container.
    type: str
  content:
    description: The text that the file holds.
    type: str
  secret_content:
    description: The text that the file holds, when it is secret.
    type: str
  dest:
    description:
      - The absolute path in the container, of the file itself, or of the folder that becomes like
        O(src). With C(/) at its end it is the folder into which O(src) is copied under its name.
      - A link at its end is followed for a folder, and replaced by a file unless O(follow) says
        otherwise.
      - What lies in a tmpfs mount, in C(/proc), C(/sys) or C(/dev) cannot be reached.
      - With O(fetch), a path on the controller; a relative one is relative to the playbook.
    type: str
    required: true
  fetch:
    description:
      - Copies out of the container. Each file appears whole under its name.
      - Links come as links, wherever they point to, and nothing is ever read or written through a
        link below O(dest). Whatever reads what was fetched, without that care, follows them - a
        later fetch too whose O(dest) names a path over such a link.
      - The files come to the controller, so the work is done over a channel, whatever
        O(engine_via) says.
      - Owner and group are those of who runs Ansible, and set-user-ID bits are left out.
    type: bool
    default: false
  follow:
    description: Whether a file is written to where a link at the end of O(dest) leads.
    type: bool
    default: false
  force:
    description: Whether what is there and differs is replaced; else only what is missing is copied.
    type: bool
    default: true
  mode:
    description:
      - The mode bits of files, as three or four octal digits in quotes.
      - Without it files have those that they have in O(src), and a text V('0644').
    type: raw
  directory_mode:
    description: The mode bits of folders; without it those that they have in O(src).
    type: raw
  owner:
    description:
      - The user that files, folders and links belong to, as a number, or as a name that is looked
        up in the container's own C(/etc/passwd).
      - Without it, what is there keeps its owner, and what is new belongs to root.
      - Podman does not tell who owns a file. There the owner is not compared, and is set with what
        else differs; without this option that becomes root's.
    type: str
  group:
    description: The group that they belong to, as O(owner), looked up in C(/etc/group).
    type: str
  secret:
    description: Shows neither content nor sizes, as with O(secret_content).
    type: bool
    default: false
  _source:
    description:
      - Where the controller has found O(src), or where it has put it.
      - It is filled in by the collection itself; it has no use in a playbook.
    type: raw
attributes:
  check_mode:
    description: Runs in check mode and shows what would be copied, without changing anything.
    support: full
  diff_mode:
    description: Shows the plan and the texts that differ; of other files it says that they do.
    support: full
  idempotent:
    description: A second run with the same options changes nothing.
    support: full
seealso:
  - module: dockyard.fleet.exec
  - module: dockyard.fleet.container
"""

EXAMPLES = r"""
- name: Write a configuration that only its user can read
  dockyard.fleet.copy:
    container: site
    content: |
      log = info
    dest: /etc/site/app.conf
    mode: "0640"
    owner: root

- name: Copy a folder that lies beside the playbook
  dockyard.fleet.copy:
    container: site
    src: web
    dest: /srv/pages

- name: Write a secret
  dockyard.fleet.copy:
    container: site
    secret_content: "{{ web_token }}"
    dest: /etc/site/token
    mode: "0400"
    owner: "1000"
    group: "1000"

- name: Get a file out of the container
  dockyard.fleet.copy:
    container: site
    src: /etc/site/app.conf
    dest: fetched/
    fetch: true
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
dest:
  description: The path that was copied to, with links followed.
  returned: success
  type: str
  sample: /etc/site/app.conf
plan:
  description: What was done, or in check mode would be done; its C(text) is what C(--diff) shows.
  returned: success
  type: dict
  sample:
    text: |
      copy/site:/etc/site/app.conf
        content: 11B → 12B [live]
        mode: 0644 → 0640 [live]
          copy /etc/site/app.conf
engine_way:
  description: The way to the engine that was taken, and why not an earlier one.
  returned: when the engine was reached
  type: dict
  sample: {name: forward, tried: []}
"""

from ..module_utils._engine.copy.resource import COPY
from ..module_utils._engine.frontend.module import main

if __name__ == "__main__":
    main(COPY)
