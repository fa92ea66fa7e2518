# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pool of disks of a KVM host: the filter behind role kvm_host."""

from __future__ import annotations

DOCUMENTATION = r"""
name: folder_pool
author: dockyard.fleet contributors (@dockyard)
version_added: 0.1.0
short_description: Judge a host's pool of disks
description:
  - Says whether a pool of libvirt is there, where it is, and what will be done with it. One that is
    there stays where it is.
positional: _input, xml, path
options:
  _input:
    description: What C(virsh pool-info) says of it. Empty when there is none.
    type: str
    required: true
  xml:
    description: What C(virsh pool-dumpxml) says of it. Empty when there is none.
    type: str
    required: true
  path:
    description: The folder that is wanted.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Say what will be done
  ansible.builtin.debug:
    msg: "{{ ('' | dockyard.fleet.folder_pool('', '/var/lib/libvirt/images')).plan }}"
"""

RETURN = r"""
_value:
  description: The judgement.
  type: dict
  contains:
    exists:
      description: Whether there is such a pool.
      type: bool
    active:
      description: Whether it is active.
      type: bool
    autostart:
      description: Whether it starts with the host.
      type: bool
    folder:
      description: Whether it is, or will be, a pool of a folder, which libvirt can make.
      type: bool
    path:
      description: Where the present pool is. Empty when it is nowhere in particular.
      type: str
    plan:
      description: What will be done with the pool, in words. Empty when nothing is to do.
      type: str
"""

import re
from typing import Any, Callable, Dict
from xml.etree import ElementTree


def folder_pool(info: str, xml: str, path: str) -> Dict[str, Any]:
    """Judge the present pool, by what virsh says of it."""
    exists = bool(info.strip())
    active = bool(re.search("State: +running", info))
    autostart = bool(re.search("Autostart: +yes", info))
    root = ElementTree.fromstring(xml) if xml.strip() else ElementTree.Element("pool")
    todo = {
        f"made ({path})": not exists,
        "started": not active,
        "started with the host": not autostart,
    }
    return {
        "exists": exists,
        "active": active,
        "autostart": autostart,
        "folder": not exists or root.get("type") == "dir",
        "path": root.findtext("target/path") or "",
        "plan": ", ".join(words for words, needed in todo.items() if needed),
    }


class FilterModule:
    """Hand the filter to Ansible."""

    def filters(self) -> Dict[str, Callable[..., Any]]:
        """Return the filters of this file by name."""
        return {"folder_pool": folder_pool}
