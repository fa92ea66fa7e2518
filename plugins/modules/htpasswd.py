#!/usr/bin/python
# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: htpasswd
short_description: Say what a password file has to hold
version_added: 0.1.0
description:
  - Takes users with their passwords and a file of lines C(NAME:HASH), and says what the file has to
    hold, with hashes by bcrypt. A hash that is there stays as long as the password matches it, so
    that nothing changes where nothing has to.
  - It writes nothing; M(ansible.builtin.copy) does that, with its modes and its check mode.
  - It is for roles that keep such a file, such as that of a registry.
author:
  - dockyard.fleet contributors (@dockyard)
options:
  path:
    description:
      - The file on the host. It need not be there.
    type: path
    required: true
  users:
    description:
      - All users that the file shall have. Others that are in it are left out.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The name of the user, without a colon.
        type: str
        required: true
      password:
        description: The password, at most 72 bytes. It is in no output and no process list.
        type: str
        required: true
attributes:
  check_mode:
    description: Changes nothing in either, and answers in both.
    support: full
  diff_mode:
    description: Has nothing to show.
    support: N/A
  idempotent:
    description: Never changes anything.
    support: full
notes:
  - It needs a Python on the host, and a C library whose C(crypt) has bcrypt, as that of Debian.
  - Hashes are in RV(content). Give the task C(no_log), or they are shown with C(-v).
"""

EXAMPLES = r"""
- name: Work out the lines of the password file
  dockyard.fleet.htpasswd:
    path: ~/htpasswd
    users:
      - name: "{{ registry_user }}"
        password: "{{ registry_password }}"
  register: accounts
  no_log: true

- name: Write the password file
  ansible.builtin.copy:
    content: "{{ accounts.content }}"
    dest: ~/htpasswd
    mode: '0640'
  no_log: true
"""

RETURN = r"""
content:
  description: What the file has to hold, sorted by names.
  returned: success
  type: str
  sample: "deploy:$2b$10$…\n"
added:
  description: Names that are not in the file yet.
  returned: success
  type: list
  elements: str
  sample: [deploy]
updated:
  description: Names whose password is another, or whose hash is not by bcrypt.
  returned: success
  type: list
  elements: str
  sample: []
removed:
  description: Names that are in the file and no user has.
  returned: success
  type: list
  elements: str
  sample: [old]
"""

from ..module_utils._htpasswd import main

if __name__ == "__main__":
    main()
