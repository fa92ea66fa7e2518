# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The front end on the target: the same core as a module, where no channel opens."""

from __future__ import annotations

import os
from typing import Any, ContextManager, Mapping

from ansible.module_utils.basic import AnsibleModule

from ..._desired.errors import InvalidOption
from ..._desired.lock import lock
from ..._desired.run import run
from ..._desired.schema import masked_arguments
from ..client.address import SSH, UNIX
from ..client.engine import Client, unix_dial
from ..client.options import engine_options, patience
from ..client.resolve import engine_name, find_address, usual_socket


def main(resource: Any) -> None:
    """Run one resource as an Ansible module and exit with its result."""
    spec = {**engine_options(), **resource.spec()}
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    params, pending = module.params, module.params["pending"]

    def exclude() -> ContextManager[None]:
        return lock(engine_name(find_address(params, os.environ, own=True)), module.warn)

    result = run(resource, params, lambda: local_client(params), module, pending, exclude)
    # core would repeat the arguments; it masks secrets, and blanks whatever looks like them
    arguments = masked_arguments(params, spec)
    if resource.private:
        from ..._desired.input_checks import keys_alone

        arguments = keys_alone(arguments, resource.private)
    result["invocation"] = {"module_args": arguments}
    result["engine_way"] = {"name": "target", "tried": [], "lock": "host"}
    if result.get("failed"):
        module.fail_json(**result)
    module.exit_json(**result)


def local_client(params: Mapping[str, Any]) -> Client:
    """Return a client of the engine as this machine sees it, by a task's options."""
    timeout = patience(params)
    address = find_address(params, os.environ, own=True)
    if address.scheme == UNIX:
        return Client(unix_dial(address.path or usual_socket()), timeout)
    if address.scheme == SSH:
        raise InvalidOption(
            "ssh:// works from the controller only, and this runs on the host",
            option="engine_host",
            hint="use engine_via: auto, and no async",
        )
    from ..client.tcp import tcp_dial

    return Client(tcp_dial(address, timeout), timeout)
