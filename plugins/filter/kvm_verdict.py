# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What accelerates machines on a KVM host: the filter behind role kvm_host."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kvm_verdict
author: dockyard.fleet contributors (@dockyard)
version_added: 0.1.0
short_description: Say whether KVM truly accelerates machines
description:
  - Judges by a trial of QEMU with KVM, whose firmware writes a line as soon as it runs, and by
    what libvirt says of KVM.
positional: _input, capable
options:
  _input:
    description: The result of the trial. One that was skipped means that there is no QEMU yet.
    type: dict
    required: true
  capable:
    description: The result of C(virsh domcapabilities) for KVM. Empty where it was not asked yet.
    type: dict
    default: {}
  opening:
    description: Whether this is a check, and the device would be opened to QEMU when applying.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Say what accelerates machines
  ansible.builtin.debug:
    msg: "{{ tried | dockyard.fleet.kvm_verdict }}"  # kind: kvm
  vars:
    tried: {rc: 124, stdout: SeaBIOS (version 1.16.2-debian-1.16.2-1), stderr: ''}
"""

RETURN = r"""
_value:
  description: The verdict.
  type: dict
  contains:
    kind:
      description: V(kvm), V(qemu) (they are emulated), or V(unknown) in a check.
      type: str
    reason:
      description: Why, in words.
      type: str
"""

import re
from typing import Any, Callable, Dict, Mapping, Optional

# What QEMU says when `timeout` ends it, and what it puts before its messages.
_ENDED = "terminating on signal"
_PREFIX = re.compile(r"(qemu-system-x86_64: )?(error: )?")


def kvm_verdict(
    tried: Mapping[str, Any], capable: Optional[Mapping[str, Any]] = None, opening: bool = False
) -> Dict[str, str]:
    """Return the kind of acceleration and the reason, from results of two commands."""
    if tried.get("skipped"):
        return {"kind": "unknown", "reason": "known after QEMU is installed"}
    if opening:
        return {"kind": "unknown", "reason": "known after QEMU may use /dev/kvm"}
    stderr = str(tried.get("stderr", ""))
    if "SeaBIOS" not in str(tried.get("stdout", "")) or "internal error" in stderr:
        return {"kind": "qemu", "reason": f"KVM does not work here: {_words(stderr)}"}
    capable = capable or {}
    if capable.get("rc", 0) != 0:
        reason = f"libvirt does not offer KVM: {str(capable.get('stderr', '')).strip()}"
        return {"kind": "qemu", "reason": reason}
    return {"kind": "kvm", "reason": "a machine started with it"}


def _words(stderr: str) -> str:
    lines = [line for line in stderr.splitlines() if _ENDED not in line]
    return _PREFIX.sub("", lines[0], count=1) if lines else "no instruction ran"


class FilterModule:
    """Hand the filter to Ansible."""

    def filters(self) -> Dict[str, Callable[..., Any]]:
        """Return the filters of this file by name."""
        return {"kvm_verdict": kvm_verdict}
