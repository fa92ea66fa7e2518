# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of hosts and groups that are made of what engines say."""

from __future__ import annotations

import re
from typing import Any, Iterable, Iterator, Mapping

from ansible import constants as C

from ...module_utils._desired.errors import FleetError
from ...module_utils._engine.values.image_reference import parse_id

# Letters, digits and signs that mean nothing in a pattern of hosts, nor to a shell.
_HOST = re.compile(r"[\w][\w.:@+-]*")
_LONGEST = 255


def host_name(value: Any, inventory: Any) -> str:
    """Return a container's name as a host; FleetError if the inventory cannot have it, or has it.

    A container must not be taken for a host of the user's own, nor for one of their groups.
    """
    if not isinstance(value, str) or len(value) > _LONGEST or not _HOST.fullmatch(value):
        raise FleetError(f"{str(value)[:_LONGEST]!r} cannot be the name of a host")
    if value in inventory.hosts or value in C.LOCALHOST:
        raise FleetError(f"there is a host {value} already", hint="set hostname to tell them apart")
    if value in inventory.groups:
        raise FleetError(f"there is a group {value}", hint="set hostname to tell them apart")
    return value


def groups_of(
    facts: Mapping[str, Any], group_by: Iterable[str], labels: Iterable[str]
) -> Iterator[str]:
    """Yield the groups of a container, before characters are replaced that they cannot have."""
    for word in group_by:
        value = facts[f"container_{word}"]
        # An image that has lost its name is known by an id, which is nothing to group by.
        if value and len(value) < _LONGEST and not (word == "image" and parse_id(value)):
            yield f"{word}_{value}"
    for label in labels:
        value = facts["container_labels"].get(label)
        if value is not None and len(label) + len(value) < _LONGEST:
            yield f"label_{label}_{value}" if value else f"label_{label}"
