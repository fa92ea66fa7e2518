#!/usr/bin/python
# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: page
short_description: Wait for a page
version_added: 0.1.0
description:
  - Asks for a page from the host until it answers as expected, in one task without a line for each
    try, as C(until) would print them.
  - It is for roles that wait for what containers serve.
author:
  - dockyard.fleet contributors (@dockyard)
options:
  url:
    description:
      - The address of the page, C(http://) or C(https://).
    type: str
    required: true
  status:
    description:
      - The statuses that count as an answer.
    type: list
    elements: int
    default: [200]
  timeout:
    description:
      - Seconds in which it must answer so.
    type: int
    default: 30
attributes:
  check_mode:
    description: Changes nothing in either, and asks in both.
    support: full
  diff_mode:
    description: Has nothing to show.
    support: N/A
  idempotent:
    description: Never changes anything.
    support: full
notes:
  - It needs a Python on the host. Redirects, proxies and authorities count as they do for
    M(ansible.builtin.uri).
seealso:
  - module: ansible.builtin.uri
"""

EXAMPLES = r"""
- name: Wait for the registry, which wants a login
  dockyard.fleet.page:
    url: http://127.0.0.1:5000/v2/
    status: [401]
    timeout: 60
"""

RETURN = r"""
url:
  description: The address that was asked, after redirects the last one.
  returned: when it answered as expected
  type: str
  sample: http://127.0.0.1:8080/
status:
  description: The status of the last answer; -1 if none came.
  returned: always
  type: int
  sample: 200
content:
  description: The beginning of the page, at most 64 KiB of it.
  returned: when it answered as expected
  type: str
  sample: "<h1>It works</h1>"
tries:
  description: How often it was asked.
  returned: always
  type: int
  sample: 3
"""

from ..module_utils._page import main

if __name__ == "__main__":
    main()
