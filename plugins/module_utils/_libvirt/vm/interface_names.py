# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which interface of a machine is which, whatever others add before, between or after them.

An interface that we write has its number in an alias. A machine that was made before has none:
there its interfaces count by their position, as those of a foreign machine.
"""

from __future__ import annotations

import re
from typing import Dict, List

from ..client.domain_xml import Element, attribute, interfaces, put_alias, record

# No disk has such an alias (see disk/names.py).
_ALIAS = "ua-dockyardnic-{}"
_FORM = re.compile(r"ua-dockyardnic-(\d+)")


def own_interfaces(root: Element) -> Dict[str, Element]:
    """Return a domain's own interfaces by number ("0", "1")."""
    named: Dict[int, Element] = {}
    rest: List[Element] = []
    for entry in interfaces(root):
        match = _FORM.fullmatch(attribute(entry, "alias", "name") or "")
        if match and int(match.group(1)) not in named:
            named[int(match.group(1))] = entry
        else:
            rest.append(entry)
    if not record(root).get("named"):
        free = (number for number in range(len(named) + len(rest)) if number not in named)
        named.update(zip(free, rest))
    return {str(number): named[number] for number in sorted(named)}


def other_interfaces(root: Element) -> List[Element]:
    """Return the interfaces that others added to a domain of ours."""
    own = list(own_interfaces(root).values())
    return [entry for entry in interfaces(root) if entry not in own]


def name_interfaces(root: Element) -> None:
    """Write the aliases of own interfaces that have none yet."""
    for number, entry in own_interfaces(root).items():
        if entry.find("alias") is None:
            name_interface(entry, number)


def name_interface(element: Element, number: str) -> None:
    """Write the alias of an interface."""
    put_alias(element, _ALIAS.format(number))
