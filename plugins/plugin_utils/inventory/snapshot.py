# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory as it is so far, for patterns and variables as plays have them."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

from ansible.inventory.data import InventoryData
from ansible.inventory.manager import InventoryManager
from ansible.template import Templar
from ansible.vars.hostvars import HostVars
from ansible.vars.manager import VariableManager


class Snapshot:
    """A copy of an inventory that is still being read; the original stays as it is.

    ansible-core puts hosts below `all` when every source has been read, and only then are patterns
    and variables as in a play. The copy has that already.
    """

    def __init__(self, inventory: Any, loader: Any, path: str) -> None:
        self._loader = loader
        sources = [*inventory.processed_sources, path]
        self._manager = InventoryManager(loader=loader, sources=sources, parse=False)
        self._manager._inventory = _copy(inventory)  # there is no public way to give it one
        self._variables = VariableManager(loader=loader, inventory=self._manager)
        HostVars(self._manager, self._variables, loader)  # makes itself known to the manager

    def names(self, pattern: str) -> List[str]:
        """Return the names of the hosts that a pattern matches, as `hosts` of a play has it."""
        return [str(host.name) for host in self._manager.get_hosts(pattern)]

    def variables(self, name: str) -> Tuple[Dict[str, Any], Templar]:
        """Return a host's variables as they are written, and what templates with them."""
        host = self._manager.get_host(name)
        variables = self._variables.get_vars(host=host)
        return variables, Templar(loader=self._loader, variables=variables)


def _copy(inventory: Any) -> InventoryData:
    copy = InventoryData()
    for name, group in inventory.groups.items():
        copy.add_group(name)
        copy.groups[name].vars = dict(group.vars)
        copy.groups[name].priority = group.priority
    for name, host in inventory.hosts.items():
        copy.add_host(name)
        copy.hosts[name].vars = dict(host.vars)
        copy.hosts[name].implicit = host.implicit
    for name, group in inventory.groups.items():
        for child in group.child_groups:
            copy.add_child(name, child.name)
        for host in group.hosts:
            copy.add_child(name, host.name)
    copy.reconcile_inventory()
    return copy
