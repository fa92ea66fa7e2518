# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which packages are not there yet, or in another version: what a role has to install."""

from __future__ import annotations

DOCUMENTATION = r"""
name: missing_packages
author: dockyard.fleet contributors (@dockyard)
version_added: 0.1.0
short_description: Say which packages are not installed as wanted
description:
  - Compares what is wanted, as C(apt-get install) would take it, with what C(dpkg-query) says.
positional: _input, lines
options:
  _input:
    description:
      - Names of packages, each with C(=) and a version behind it if that matters. A version may
        have C(*) and C(?) in it.
    type: list
    elements: str
    required: true
  lines:
    description:
      - Lines of C(dpkg-query), each C(STATUS NAME VERSION).
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Say what has to be installed
  ansible.builtin.debug:
    msg: "{{ ['docker.io=20.10.*', 'iptables'] | dockyard.fleet.missing_packages(seen) }}"
  vars:
    seen: [installed docker.io 20.10.24+dfsg1-1, not-installed iptables]
"""

RETURN = r"""
_value:
  description: Those of the wanted that are not there, or in another version, in the order of names.
  type: list
  elements: str
"""

from fnmatch import fnmatchcase
from typing import Any, Callable, Dict, List, Sequence


def missing_packages(wanted: Sequence[str], lines: Sequence[str]) -> List[str]:
    """Return the entries of `wanted` (NAME or NAME=VERSION) that dpkg's lines do not satisfy."""
    rows = [line.split() for line in lines]
    there = {row[1]: row[2] for row in rows if len(row) == 3 and row[0] == "installed"}
    return sorted({entry for entry in wanted if not _satisfied(str(entry), there)})


def _satisfied(entry: str, there: Dict[str, str]) -> bool:
    name, _equals, version = entry.partition("=")
    return name in there and (not version or fnmatchcase(there[name], version))


class FilterModule:
    """Hand the filter to Ansible."""

    def filters(self) -> Dict[str, Callable[..., Any]]:
        """Return the filters of this file by name."""
        return {"missing_packages": missing_packages}
