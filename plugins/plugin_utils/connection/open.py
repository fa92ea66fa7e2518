# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the connection plugin opens a way to the engine of a container's host."""

from __future__ import annotations

import copy
import shutil
from functools import partial
from types import SimpleNamespace
from typing import Any, Dict

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.loader import become_loader, connection_loader

from ...module_utils._desired.errors import EngineMissing, InvalidOption
from ...module_utils._engine.client.resolve import find_address
from ..channel.kept_forward import kept_or_own
from ..channel.open import Channel, NoChannel, Way, open_channel
from ..channel.probe import Blocked
from ..values.untag import plain
from .engine import Link
from .errors import Unreachable

# Options of ours that Ansible's ssh plugin has under the same name, and under another one.
_SSH = (
    *("ssh_args", "ssh_common_args", "ssh_extra_args", "ssh_executable"),
    *("control_path", "control_path_dir"),
)
_HOST = {
    "host": "host",
    "host_port": "port",
    "host_user": "remote_user",
    "host_password": "password",
    "host_private_key_file": "private_key_file",
}
_ENGINE = (
    *("engine_host", "engine_context", "engine_timeout"),
    *("engine_tls", "engine_ca", "engine_cert", "engine_key", "engine_tls_hostname"),
)


def open_link(link: Link) -> Channel:
    """Open a channel to the engine, with a forward that is kept; raise Unreachable if none opens.

    A forward that is there and leads nowhere is made anew.
    """
    options = {name: plain(link.option(name)) for name in _ENGINE}
    try:
        if link.option("host") and not shutil.which(link.option("ssh_executable") or "ssh"):
            return _without_ssh(link, options)
        action: Any = SimpleNamespace(
            _connection=_carrier(link), _task=SimpleNamespace(environment=None)
        )
        return open_channel(action, options, partial(kept_or_own, link.place))
    except NoChannel as error:
        raise Unreachable(f"{link.address}: cannot reach its engine: {error}") from error
    except AnsibleConnectionFailure as error:
        raise Unreachable(f"{link.address}: {error.message}") from error
    except (EngineMissing, InvalidOption) as error:
        raise Unreachable(f"{link.address}: {error}") from error


def _without_ssh(link: Link, options: Dict[str, Any]) -> Channel:
    """Return a channel by Paramiko, where this machine has no ssh; raise NoChannel if it cannot."""
    reason = "there is no OpenSSH client on this machine"
    try:
        import paramiko  # noqa: F401 - looked for alone
    except ImportError:
        raise NoChannel([f"{reason}, and no Paramiko"]) from None
    from ..channel.paramiko import Login, Paramiko

    if link.option("host_become"):
        raise NoChannel([f"{reason}, and Paramiko's streams have the login user's rights"])
    names = ("host", "host_port", "host_user", "host_private_key_file", "host_password")
    login = Login(*(plain(link.option(name)) for name in names))
    address = find_address(options, {}, own=False)
    try:
        carrier = Paramiko(login, address, options["engine_timeout"])
    except Blocked as blocked:
        raise NoChannel([reason, str(blocked)]) from blocked
    return Channel(Way("paramiko", (reason,)), carrier)


def _carrier(link: Link) -> Any:
    """Return what stands for Ansible's connection to the host: its ssh, or this machine."""
    become = _become(link) if link.option("host_become") else None
    if not link.option("host"):
        shell = link.plugin._shell
        return SimpleNamespace(ansible_name="ansible.builtin.local", become=become, _shell=shell)
    context = copy.copy(link.play_context)
    context.remote_addr = link.option("host")
    context.remote_user, context.port = link.option("host_user"), link.option("host_port")
    carrier = connection_loader.get("ansible.builtin.ssh", context)
    names = {**_HOST, **{name: name for name in _SSH}}
    given = {theirs: plain(link.option(ours)) for ours, theirs in names.items()}
    carrier.set_options(direct={key: value for key, value in given.items() if value is not None})
    carrier.become = become
    return carrier


def _become(link: Link) -> Any:
    method = link.option("host_become_method")
    become = become_loader.get(method)
    if become is None:
        raise Unreachable(f"{link.address}: there is no become method {method}")
    given = {"become_user": link.option("host_become_user")}
    password = link.option("host_become_password")
    if password is not None:
        given["become_pass"] = password
    become.set_options(direct=given)
    return become
