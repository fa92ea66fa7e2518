# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation that all modules about machines share."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of the connection to libvirt; attributes are those of the engine's fragment."""

    DOCUMENTATION = r"""
options:
  uri:
    description:
      - The libvirt to work with, as libvirt's connection URI.
      - It is one of the host that the task runs on; delegate the task to work on another. One with
        a host's name in it is refused. M(dockyard.fleet.vm) also refuses V(qemu:///session), a
        user's own libvirt.
    type: str
    default: qemu:///system
  pending:
    description:
      - What earlier tasks of a run in check mode would do, by address, each with C(kind), C(causes)
        and C(keeps). A text stands for a change with that cause.
      - It is filled in by the collection itself; it has no use in a playbook.
    type: dict
    default: {}
requirements:
  - libvirt 6.0 or later on the KVM host, running (the role P(dockyard.fleet.kvm_host#role))
  - python3-libvirt on the KVM host; set C(ansible_python_interpreter) to V(/usr/bin/python3), since
    the binding serves the distribution's own interpreter only
"""
