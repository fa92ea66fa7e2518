# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The front end on a KVM host: resources of libvirt as Ansible modules."""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping, Tuple

from ansible.module_utils.basic import AnsibleModule

from ..._desired.info import Reader, report
from ..._desired.lock import lock
from ..._desired.run import run
from ..._desired.schema import masked_arguments
from ..client.hypervisor import Hypervisor
from ..client.options import hypervisor_name, libvirt_options


def main(resource: Any) -> None:
    """Run one resource as an Ansible module and exit with its result."""
    module, spec, connect = _begin(resource)
    params = module.params
    result = run(
        resource,
        params,
        connect,
        module,
        params["pending"],
        lambda: lock(lock_name(resource, params), module.warn),
    )
    # core would repeat the arguments; it masks secrets, and blanks whatever looks like them
    result["invocation"] = {"module_args": masked_arguments(params, spec)}
    _end(module, result)


def lock_name(resource: Any, params: Mapping[str, Any]) -> str:
    """Return what a task excludes others from: a hypervisor, or one resource of it."""
    return f"{hypervisor_name(params['uri'])} {params.get(resource.lock_by, '')}"


def look(reader: Reader) -> None:
    """Look at a hypervisor as an Ansible module and exit with the result."""
    module, _spec, connect = _begin(reader)
    _end(module, report(reader, module.params, connect))


def _begin(resource: Any) -> Tuple[AnsibleModule, Dict[str, Any], Callable[[], Hypervisor]]:
    spec = {**libvirt_options(), **resource.spec()}
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    _with_binding()
    return module, spec, lambda: Hypervisor(module.params["uri"])


def _end(module: AnsibleModule, result: Dict[str, Any]) -> None:
    if result.get("failed"):
        module.fail_json(**result)
    module.exit_json(**result)


def _with_binding() -> None:
    """Go on under an interpreter that has the binding, if this one has not.

    The distribution's python3-libvirt serves the distribution's own interpreter only.
    """
    try:
        import libvirt  # noqa: F401 - looked for alone
    except ImportError:
        from ansible.module_utils.common.respawn import (
            has_respawned,
            probe_interpreters_for_module,
            respawn_module,
        )

        if has_respawned():
            return
        other = probe_interpreters_for_module(["/usr/bin/python3"], "libvirt")
        if other:
            respawn_module(other)
