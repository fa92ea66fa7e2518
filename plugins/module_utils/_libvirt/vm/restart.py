# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is configured of a machine, and waits for its restart."""

from __future__ import annotations

from typing import List, Sequence

from ..._desired.fields import Context
from ..._desired.schema import observed_values
from ..._desired.steps import Change
from ..client.domain_xml import Element, interfaces, mac_of
from .fields import FIELDS, home
from .interface_names import own_interfaces
from .observed import Observed

# Options of the document that a machine has from its next start on.
_RESTART = frozenset(row.name for row in FIELDS if row.write and row.change == "restart")


def awaiting_restart(
    observed: Observed, planned: Sequence[Change] = (), plugged: Sequence[str] = ()
) -> List[str]:
    """Return in words what is configured, or will be by the plan, and does not run yet."""
    live = observed.live
    if live is None or observed.config is None:
        return []
    context = Context({})
    crashed = observed.stand[0] == "dead"
    rows = [row for row in FIELDS if row.name in _RESTART]
    runs = observed_values(rows, observed.view(live), context)
    configured = observed_values(rows, observed.view(), context)
    configured.update(
        {change.field: change.after for change in planned if change.field in _RESTART}
    )
    lines = [
        f"{row.name}: {row.show(runs[row.name])} → {row.show(configured[row.name])}"
        for row in rows
        if runs[row.name] != configured[row.name]
    ]
    lines += [f"state: {observed.state}, it goes on after a restart"] if crashed else []
    there, wanted = set(observed.disks.plugged), set(observed.disks.own)
    lines += [f"disks.{name}: still attached" for name in sorted(there - wanted)]
    lines += [f"disks.{name}: not attached yet" for name in sorted(wanted - there - {*plugged})]
    lines += (
        ["networks: other interfaces are configured"] if _other_nics(live, observed.config) else []
    )
    devices = [change for change in planned if change.field in ("disks", "networks")]

    def is_plugged(change: Change) -> bool:
        return change.field == "disks" and change.key in plugged

    return lines + [change.words() for change in devices if not is_plugged(change)]


def _other_nics(live: Element, config: Element) -> bool:
    """Tell whether the machine's own interfaces run otherwise than they are configured."""
    runs = [(mac_of(entry), home(entry)) for entry in interfaces(live)]
    wanted = [(mac_of(entry), home(entry)) for entry in own_interfaces(config).values()]
    there = {mac_of(entry) for entry in interfaces(config)}
    goes = [entry for entry in own_interfaces(live).values() if mac_of(entry) not in there]
    return bool(goes) or any(entry not in runs for entry in wanted)
