# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was read of a daemon.json on a host: the filter behind role container_runtime."""

from __future__ import annotations

DOCUMENTATION = r"""
name: daemon_files
author: dockyard.fleet contributors (@dockyard)
version_added: 0.1.0
short_description: Say which configuration an engine runs with
description:
  - Takes the lines that the role reads of two files. The first is the configuration before one that
    is being applied, and is there only while that is unfinished; the second is daemon.json.
options:
  _input:
    description:
      - A line for each file, with its kind (V(file), V(absent), V(other), V(large), V(dangling), or
        V(closed) for one that could not be read), its mode, where its links lead to, and its
        content in base64, separated by tabs.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Say what the engine runs with
  ansible.builtin.debug:
    msg: "{{ lines | dockyard.fleet.daemon_files }}"
  vars:
    lines:
      - "absent\t0644\t/etc/docker/.daemon.json.previous\t"
      - "file\t0600\t/etc/docker/daemon.json\te30="
"""

RETURN = r"""
_value:
  description: What is known of the configuration.
  type: dict
  contains:
    text:
      description: The configuration that the engine runs with. Empty when there is none.
      type: str
    unfinished:
      description: Whether an earlier run was cut short while it applied a new one.
      type: bool
    kind:
      description: What daemon.json is.
      type: str
    mode:
      description: Its mode.
      type: str
    target:
      description: Where its links lead to; its own path when it is none.
      type: str
    problem:
      description: Why it is not read, in words. Empty when it is, or is absent.
      type: str
"""

from base64 import b64decode
from typing import Any, Callable, Dict, List, Sequence

_PROBLEMS = {
    "other": "is no ordinary file",
    "large": "is larger than 1 MB",
    "dangling": "is a link to {target}, which is not there",
    "closed": "cannot be read",
}


def daemon_files(lines: Sequence[str]) -> Dict[str, Any]:
    """Return what two lines say, of the configuration before and of the present one."""
    (state, _mode, path, previous), (kind, mode, target, content) = map(_columns, lines)
    # What is no UTF-8 stays recognizable, and is refused by who reads the text.
    texts = [b64decode(column).decode("utf-8", "surrogateescape") for column in (previous, content)]
    problem = _PROBLEMS.get(kind, "").format(target=target)
    if state == "closed":
        problem = f"may not be what the engine runs with, and {path} cannot be read"
    return {
        "text": texts[0] or texts[1],
        "unfinished": bool(texts[0]),
        "kind": kind,
        "mode": mode,
        "target": target,
        "problem": problem,
    }


def _columns(line: str) -> List[str]:
    # Without content, the last column may have been stripped.
    return [*line.split("\t"), ""][:4]


class FilterModule:
    """Hand the filter to Ansible."""

    def filters(self) -> Dict[str, Callable[..., Any]]:
        """Return the filters of this file by name."""
        return {"daemon_files": daemon_files}
