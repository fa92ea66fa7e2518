# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The front end on the controller of the machine side: it checks the options and sends the module.

libvirt's binding lives on the KVM host, so the core runs there; what only the controller has
(keys, what earlier tasks of a check foresee) goes with it.
"""

from __future__ import annotations

from typing import Any, Dict, Mapping

from ...module_utils._desired.run import coming
from ...module_utils._libvirt.client.options import hypervisor_name, libvirt_options
from ...module_utils._libvirt.vm.addresses import checked
from .base import Base, noted
from .planned import Pending


class MachineFront(Base):
    """An action plugin of a resource of libvirt; the module runs where the task is delegated to."""

    def connection_options(self) -> Dict[str, Any]:
        """Return the argument spec of the connection to libvirt."""
        return libvirt_options()

    def prepare(self, params: Dict[str, Any], task_vars: Mapping[str, Any]) -> Dict[str, Any]:
        """Add what only the controller has; internal options begin with `_`."""
        return params

    def finish(self, result: Dict[str, Any], task_vars: Mapping[str, Any]) -> Dict[str, Any]:
        """Return the module's result for the user, what a hypervisor tells checked once more."""
        if result.get("vm"):
            result["vm"] = checked(result["vm"])
        if "machines" in result:
            result["machines"] = [checked(entry) for entry in result["machines"] or ()]
        return result

    def work(self, params: Dict[str, Any], task_vars: Mapping[str, Any]) -> Dict[str, Any]:
        """Run the module with what earlier tasks foresee; note what a check foresees itself."""
        host = self.host(task_vars)
        pending = Pending(host, hypervisor_name(params["uri"]))
        # What roles announce is not of one URI.
        foreseen = coming(self._task, lambda: {**Pending(host, "").read(), **pending.read()})
        prepared = self.prepare({**params, "pending": foreseen}, task_vars)
        # An option that is not given must not be sent as null: choices have none.
        given = {key: value for key, value in prepared.items() if value is not None}
        result = self.run_module(given, task_vars)
        return self.finish(noted(result, pending), task_vars)
