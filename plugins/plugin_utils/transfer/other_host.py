# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection to another host of the inventory, as a task that is delegated to it would have."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Mapping

from ansible import constants as C
from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.playbook.play_context import PlayContext
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
    templar = action._templar.copy_with_new_env(available_variables=variables)
    asked = {
        kind: _asked(action._play_context, task_vars, kind) for kind in ("password", "become_pass")
    }
    try:
        connection = _Host(host, variables, templar, action._task).connection(action, asked)
    except AnsibleError as error:
        raise InvalidOption(f"{host}: {error}", option=OPTION) from error
    return SimpleNamespace(
        _connection=connection,
        _task=SimpleNamespace(environment=None),
        _templar=action._templar,
    )


def _asked(context: Any, task_vars: Mapping[str, Any], kind: str) -> str:
    """Return a password that the user of this run was asked for, "" for none.

    One that is a variable of the task's own host is not the other host's to see.
    """
    delegated = (task_vars.get("ansible_delegated_vars") or {}).values()
    names = C.MAGIC_VARIABLE_MAPPING[kind]
    own = any(name in given for given in (task_vars, *delegated) for name in names)
    return "" if own else str(getattr(context, kind, None) or "")


class _Host:
    """Another host with its variables, and what they come to."""

    def __init__(self, name: str, variables: Mapping[str, Any], templar: Any, task: Any) -> None:
        self._name = name
        self._variables = variables
        self._templar = templar
        self._task = task

    def connection(self, action: Any, asked: Mapping[str, str]) -> Any:
        """Return the connection plugin with its options; `asked` are passwords."""
        context = PlayContext(passwords={"conn_pass": asked["password"]})
        context.timeout = action._play_context.timeout
        context.no_log = action._play_context.no_log
        context.remote_addr = self._value("ansible_ssh_host", "ansible_host") or self._name
        user = self._value("ansible_ssh_user", "ansible_user")
        context.remote_user = user or self._task.remote_user
        kind = self._value("ansible_connection") or self._task.connection
        connection = connection_loader.get(kind, context)
        if connection is None:
            raise AnsibleError(f"there is no connection plugin {kind}")
        keys = {**self._task.dump_attrs(), "timeout": context.timeout}
        del keys["retries"]
        if asked["password"]:
            keys["password"] = asked["password"]
        given = connection._resolve_option_variables(self._variables, self._templar)
        connection.set_options(task_keys=keys, var_options=given)
        connection._shell = action._connection._shell
        connection.set_become_plugin(self._become(asked["become_pass"]))
        return connection

    def _value(self, *names: str) -> Any:
        given = [self._variables[name] for name in names if self._variables.get(name) is not None]
        return self._templar.template(given[0]) if given else None

    def _become(self, password: str) -> Any:
        """Return the become plugin, None if the task becomes nobody else on this host."""
        become = self._value("ansible_become")
        if not (self._task.become if become is None else boolean(become, strict=False)):
            return None
        method = self._value("ansible_become_method") or self._task.become_method
        plugin = become_loader.get(method)
        if plugin is None:
            raise AnsibleError(f"there is no become method {method}")
        names = C.config.get_plugin_vars("become", plugin._load_name)
        given = {name: self._value(name) for name in names if name in self._variables}
        keys = self._task.dump_attrs()
        plugin.set_options(
            task_keys={**keys, "become_pass": password} if password else keys, var_options=given
        )
        return plugin
