# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create, change and remove a virtual machine: the module runs on the KVM host."""

from __future__ import annotations

import json
from typing import Any, Dict, Mapping

from ..module_utils._libvirt.vm.resource import MACHINE
from ..plugin_utils.action.cloud_schema import complaint
from ..plugin_utils.action.host_keys import generate
from ..plugin_utils.action.libvirt import MachineFront


class ActionModule(MachineFront):
    """The action plugin of M(dockyard.fleet.vm)."""

    resource = MACHINE
    module = "dockyard.fleet.vm"

    def prepare(self, params: Dict[str, Any], task_vars: Mapping[str, Any]) -> Dict[str, Any]:
        """Hand over cloud_init and a new host key as one secret text.

        The machine takes the key at its creation only. As one text core masks it whole; as
        options it would blank every equal word of the result.
        """
        handed: Dict[str, Any] = {"cloud_init": params["cloud_init"]}
        self._complaint = complaint(params["cloud_init"]) if params["state"] != "absent" else ""
        if params["cloud_init"] is not None:
            key = generate(params["name"])
            handed["host_key"] = {"private": key.private, "public": key.public}
        return {**params, "cloud_init": None, "_seed": json.dumps(handed)}

    def finish(self, result: Dict[str, Any], task_vars: Mapping[str, Any]) -> Dict[str, Any]:
        """Add what the controller's cloud-init says of the user data."""
        result = super().finish(result, task_vars)
        if self._complaint:
            result["warnings"] = [*result.get("warnings", ()), self._complaint]
        return result
