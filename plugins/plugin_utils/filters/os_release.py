# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which distribution a host has, by its os-release(5), with the names of Ansible's facts."""

from __future__ import annotations

import shlex
from typing import Dict

# By the ID in the file. Where the roles cannot work, the name in the file is good enough.
_FACTS = {"debian": "Debian", "raspbian": "Debian", "ubuntu": "Ubuntu"}


def distribution(text: str, system: str = "") -> Dict[str, str]:
    """Return the `distribution`, its `release` (of 12.5: 12), its `codename` and `platform`.

    `platform` is name and release for messages. `release` is empty where the file has no number,
    as in Debian's testing and unstable. `system` is what `uname -s` says: the name of a host that
    has no such file.
    """
    values = _values(text)
    name = _FACTS.get(values.get("ID", "").lower()) or values.get("NAME") or system or "the host"
    release = values.get("VERSION_ID", "").partition(".")[0]
    codename = values.get("VERSION_CODENAME", "")
    return {
        "distribution": name,
        "release": release if release.isdecimal() else "",
        "codename": codename,
        "platform": f"{name} {release or codename}".strip(),
    }


def _values(text: str) -> Dict[str, str]:
    values: Dict[str, str] = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if not equals or name.startswith("#"):
            continue
        try:
            values[name] = "".join(shlex.split(value))
        except ValueError:  # a quote that is not closed
            continue
    return values
