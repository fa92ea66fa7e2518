# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which engine a task means: its options and the environment that it would have."""

from __future__ import annotations

import os
from typing import Any, Dict, Mapping

from ...module_utils._engine.client.address import Address
from ...module_utils._engine.client.resolve import find_address
from ..values.untag import plain


def wanted_address(action: Any, options: Mapping[str, Any], local: bool) -> Address:
    """Return the address of the engine of the task's host, as the host sees it.

    The environment that counts is the task's `environment:`, over the controller's own if the
    connection is `local`. Raise InvalidOption for what cannot be used.
    """
    environment = dict(os.environ) if local else {}
    return find_address(options, {**environment, **_task_environment(action)}, local)


def _task_environment(action: Any) -> Dict[str, Any]:
    """Return what of the task's `environment:` is for docker's clients.

    ansible-core gives a list of mappings, outermost first, and applies it to modules only.
    """
    variables: Dict[str, Any] = {}
    parts = action._task.environment or []
    for part in parts if isinstance(parts, list) else [parts]:
        values = action._templar.template(part) if part else None
        if isinstance(values, Mapping):
            variables.update(
                (str(name), plain(value))
                for name, value in values.items()
                if str(name).startswith("DOCKER_")
            )
    return variables
