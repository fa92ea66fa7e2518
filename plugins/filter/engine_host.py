# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was read of a host that is to run an engine: the filter behind role container_runtime."""

from __future__ import annotations

DOCUMENTATION = r"""
name: engine_host
author: dockyard.fleet contributors (@dockyard)
version_added: 0.1.0
short_description: Say what was read of a host and its engine
description:
  - Takes what the role reads of a host in one call. Nothing in it is believed to be there, or to
    be well formed.
options:
  _input:
    description:
      - Lines, each with a word that says what it is, a tab, and a value. The words are V(system)
        (of C(uname)), V(user) (a number), V(init), V(release) (os-release in base64),
        V(apparmor), V(package) (a line of C(dpkg-query)), V(file) (as for
        P(dockyard.fleet.daemon_files#filter)), V(version) (of C(dockerd --version)) and V(info)
        (of C(docker info) in JSON).
      - Where one is there more than once, the first counts. Packages and files are lists.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Say what the host has
  ansible.builtin.debug:
    msg: "{{ seen | dockyard.fleet.engine_host }}"
  vars:
    seen: "user\t0\ninit\tsystemd\npackage\tinstalled docker.io 20.10.24+dfsg1-1"
"""

RETURN = r"""
_value:
  description: What is known of the host.
  type: dict
  contains:
    user:
      description: The number of the user that was asked. Empty when it did not say.
      type: str
    init:
      description: V(systemd), V(sysv), or V(direct) where the first process is no init.
      type: str
    distribution:
      description: Its name, for Debian and Ubuntu as Ansible's facts have it.
      type: str
    release:
      description: The number of its release. Empty where it has none, as Debian's testing.
      type: str
    codename:
      description: The name of its release.
      type: str
    platform:
      description: Name and release, for messages.
      type: str
    apparmor:
      description: Whether its kernel has AppArmor.
      type: bool
    packages:
      description: Lines of C(dpkg-query).
      type: list
      elements: str
    files:
      description: Two lines for P(dockyard.fleet.daemon_files#filter).
      type: list
      elements: str
    version:
      description: What C(dockerd --version) says. Empty without an engine.
      type: str
    validates:
      description: Whether that engine can check a configuration itself, which 23 brought.
      type: bool
    info:
      description: What C(docker info) says. Empty when no engine answers.
      type: dict
"""

import json
import re
from typing import Any, Callable, Dict

from ansible_collections.dockyard.fleet.plugins.plugin_utils.filters.reading import Reading

# The role reads two files of at most 1 MB, which base64 makes a third larger; the rest is small.
_MOST = 8_000_000
# A file of which no line came is never taken for one that is not there.
_UNREAD = "closed\t0644\t\t"


def engine_host(text: str) -> Dict[str, Any]:
    """Return what the lines of a reading say."""
    reading = Reading(text[:_MOST])
    version = reading.first("version")
    return {
        **reading.host(),
        "apparmor": "apparmor" in reading,
        "files": [*reading.all("file"), _UNREAD, _UNREAD][:2],
        "version": version,
        "validates": _major(version) >= 23,
        "info": _info(reading.first("info")),
    }


def _major(version: str) -> int:
    """Return 28 of `Docker version 28.5.1, build e180ab8`; 0 of what says no version."""
    number = re.match(r"\D*(\d{1,6})\.\d", version)
    return int(number[1]) if number else 0


def _info(text: str) -> Dict[str, Any]:
    try:
        info = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    # Without an engine, the client of 20.10 says what it knows itself and ends with 0.
    return info if isinstance(info, dict) and info.get("ServerVersion") else {}


class FilterModule:
    """Hand the filter to Ansible."""

    def filters(self) -> Dict[str, Callable[..., Any]]:
        """Return the filters of this file by name."""
        return {"engine_host": engine_host}
