# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection to another host of the inventory, as a task that is delegated to it would have."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any, Dict, Mapping

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.loader import become_loader, connection_loader

from ...module_utils._desired.errors import InvalidOption

OPTION = "from_host"


def action_on(action: Any, host: str, task_vars: Mapping[str, Any]) -> Any:
    """Return what stands for the task's action on another host, as open_channel takes it.

    The variables of that host decide, then the keywords of the task and the command line, as in
    ansible-core's TaskExecutor (2.19 to 2.21). The task's `environment` is for its own host.
    Raise InvalidOption for a host that the inventory does not have.
    """
    hosts: Any = task_vars.get("hostvars") or {}
    if host not in hosts:
        raise InvalidOption(
            f"the inventory has no host {host}",
            option=OPTION,
            hint="name a host of the inventory, or localhost",
        )
    variables = {**hosts.raw_get(host), "hostvars": hosts}
    try:
        connection = _connection(action, host, variables)
    except AnsibleError as error:
        raise InvalidOption(f"{host}: {error}", option=OPTION) from error
    return SimpleNamespace(
        _connection=connection,
        _task=SimpleNamespace(environment=None),
        _templar=action._templar,
    )


def _connection(action: Any, host: str, variables: Dict[str, Any]) -> Any:
    task, templar = action._task, action._templar.copy_with_new_env(available_variables=variables)

    def value(name: str) -> Any:
        given = variables.get(name)
        return None if given is None else templar.template(given)

    context = copy.copy(action._play_context)
    context.remote_addr = value("ansible_host") or host
    kind = value("ansible_connection") or task.connection
    connection = connection_loader.get(kind, context)
    if connection is None:
        raise AnsibleError(f"there is no connection plugin {kind}")
    keys = {**task.dump_attrs(), "timeout": context.timeout}
    keys.pop("retries", None)
    if context.password:
        keys["password"] = context.password
    given = connection._resolve_option_variables(variables, templar)
    connection.set_options(task_keys=keys, var_options=given)
    connection._shell = action._connection._shell
    become = value("ansible_become")
    wanted = task.become if become is None else boolean(become, strict=False)
    connection.set_become_plugin(None)
    if wanted:
        method = value("ansible_become_method") or task.become_method
        connection.set_become_plugin(_become(method, keys, context, variables, templar))
    return connection


def _become(
    method: str, keys: Dict[str, Any], context: Any, variables: Mapping[str, Any], templar: Any
) -> Any:
    become = become_loader.get(method)
    if become is None:
        raise AnsibleError(f"there is no become method {method}")
    names = C.config.get_plugin_vars("become", become._load_name)
    given = {name: templar.template(variables[name]) for name in names if name in variables}
    if context.become_pass:
        keys = {**keys, "become_pass": context.become_pass}
    become.set_options(task_keys=keys, var_options=given)
    return become
