# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The front end on the target for what only reads."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule

from ..._desired.info import Reader, report
from ..client.options import engine_options
from .module import local_client


def main(reader: Reader) -> None:
    """Look at the engine as an Ansible module and exit with the result."""
    spec = {**engine_options(), **reader.spec()}
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)

    result = report(reader, module.params, lambda: local_client(module.params))
    result["engine_way"] = {"name": "target", "tried": []}
    if result.get("failed"):
        module.fail_json(**result)
    module.exit_json(**result)
