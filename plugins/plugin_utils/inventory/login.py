# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a host is logged in to, as the variables by which its containers are reached."""

from __future__ import annotations

import json
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional

from ansible import constants as C
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.template import trust_as_template

from ...module_utils._desired.errors import FleetError
from ..channel.open import BUILTIN
from ..values.untag import plain

PLUGIN = "dockyard.fleet.container"
# The connection plugin's variables, and those that Ansible's ssh has for the same; of several that
# are set the last counts.
_LOGIN = {
    "ansible_container_host": ("inventory_hostname", "ansible_host", "ansible_ssh_host"),
    "ansible_container_host_port": ("ansible_port", "ansible_ssh_port"),
    "ansible_container_host_user": ("ansible_user", "ansible_ssh_user"),
    "ansible_container_host_private_key_file": (
        *("ansible_private_key_file", "ansible_ssh_private_key_file"),
    ),
    **{
        name: (name,)
        for name in (
            *("ansible_ssh_args", "ansible_ssh_common_args", "ansible_ssh_extra_args"),
            *("ansible_ssh_executable", "ansible_control_path", "ansible_control_path_dir"),
        )
    },
}
_BECOME = {
    "ansible_container_host_become_method": ("ansible_become_method",),
    "ansible_container_host_become_user": ("ansible_become_user", "ansible_sudo_user"),
}
_PASSWORDS = {
    "ansible_container_host_password": (
        *("ansible_password", "ansible_ssh_pass", "ansible_ssh_password"),
    ),
    "ansible_container_host_become_password": (
        *("ansible_become_pass", "ansible_become_password", "ansible_sudo_pass"),
    ),
}
ENGINE = (
    *("engine_host", "engine_context", "engine_tls", "engine_ca", "engine_cert", "engine_key"),
    *("engine_tls_hostname", "engine_timeout"),
)


class Login(NamedTuple):
    """The way to one host's engine.

    `variables` are for the inventory: passwords in them refer to the host's own variables.
    `passwords` are the same in the clear, for reading now.
    """

    host: str
    variables: Dict[str, Any]
    passwords: Dict[str, Any]


def login(
    host: str,
    variables: Mapping[str, Any],
    template: Callable[[Any], Any],
    options: Mapping[str, Any],
) -> Optional[Login]:
    """Return the way to a host's engine; None for a host that is a container itself.

    `options` are `become` and those of the engine; templates in them see the host's variables.
    Raise FleetError for a connection that leads to no engine.
    """

    def last(names: Any) -> Optional[str]:
        known = [name for name in names if variables.get(name) is not None]
        return known[-1] if known else None

    def value(name: str) -> Any:
        return plain(template(variables[name]))

    kind = str(value("ansible_connection") if last(["ansible_connection"]) else C.DEFAULT_TRANSPORT)
    if kind == PLUGIN:
        return None
    if kind not in (*BUILTIN, "smart"):
        raise FleetError(f"its connection {kind} leads to no engine", hint="exclude it from hosts")
    wanted = {} if kind.rpartition(".")[2] == "local" else dict(_LOGIN)
    output: Dict[str, Any] = {"ansible_connection": PLUGIN}
    passwords = ["ansible_container_host_password"] if wanted else []
    if _becomes(options, value, last):
        wanted.update(_BECOME)
        output["ansible_container_host_become"] = True
        passwords.append("ansible_container_host_become_password")
    for ours, names in wanted.items():
        theirs = last(names)
        if theirs is not None:
            output[ours] = value(theirs)
    output.update(_engine(options, template))
    return _with_passwords(Login(host, output, {}), passwords, last, value)


def _becomes(
    options: Mapping[str, Any],
    value: Callable[[str], Any],
    last: Callable[[List[str]], Optional[str]],
) -> bool:
    if options.get("become") is not None:
        return bool(options["become"])
    return bool(last(["ansible_become"])) and boolean(value("ansible_become"))


def _engine(options: Mapping[str, Any], template: Callable[[Any], Any]) -> Dict[str, Any]:
    """Return which engine of the host it is; an option whose template comes to nothing is unset."""
    values = {name: plain(template(options.get(name))) for name in ENGINE}
    return {
        f"ansible_container_{name}": value
        for name, value in values.items()
        if value is not None and value != ""
    }


def _with_passwords(
    way: Login,
    wanted: List[str],
    last: Callable[[Any], Optional[str]],
    value: Callable[[str], Any],
) -> Login:
    for ours in wanted:
        theirs = last(_PASSWORDS[ours])
        if theirs is not None:
            way.variables[ours] = _reference(way.host, theirs)
            way.passwords[ours] = value(theirs)
    return way


def _reference(host: str, name: str) -> Any:
    """Return a template for a variable of another host.

    Where somebody looks at all variables of the container, Ansible has no `hostvars`.
    """
    value = f"hostvars[{json.dumps(host)}].{name}"
    return trust_as_template("{{ " + value + " if hostvars is defined else '' }}")
