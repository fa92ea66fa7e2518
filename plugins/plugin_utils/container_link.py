# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way of the connection plugin to the engine of a container's host, and what it asks there."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any, Callable, Optional, TypeVar

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.loader import become_loader, connection_loader

from ..module_utils._desired.errors import EngineMissing, FleetError
from ..module_utils._engine.client import Client
from ..module_utils._engine.wire import ConnectionLost, EngineError
from .channel import Channel, NoChannel, open_channel
from .channel_kept import kept_or_own
from .plain import plain

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
_Answer = TypeVar("_Answer")


class Unreachable(FleetError):
    """There is no running container to be reached."""


class Link:
    """The engine's client, opened when it is first asked; `container` is the container's name."""

    def __init__(self, plugin: Any, play_context: Any) -> None:
        self._plugin = plugin
        self._play_context = play_context
        self._channel: Optional[Channel] = None
        self._client: Optional[Client] = None
        self.container = str(self.option("container"))

    def option(self, name: str) -> Any:
        """Return an option of the plugin as a plain value."""
        return plain(self._plugin.get_option(name))

    @property
    def address(self) -> str:
        """How messages name the container."""
        return f"container {self.container} on {self.option('host') or 'this machine'}"

    def ask(self, question: Callable[[Client], _Answer]) -> _Answer:
        """Ask the engine something about the container; raise Unreachable if it is not running."""
        try:
            try:
                return question(self._open())
            except ConnectionLost:
                # A forward that an earlier task left may lead nowhere by now.
                if self._channel is None or not self._channel.forget():
                    raise
                self.close()
                return question(self._open())
        except EngineError as error:
            raise self._meaning(error) from error
        except NoChannel as error:
            raise Unreachable(f"{self.address}: no way to its engine: {error}") from error
        except EngineMissing as error:
            raise Unreachable(f"{self.address}: {error}") from error
        except AnsibleConnectionFailure as error:
            raise Unreachable(f"{self.address}: {error.message}") from error

    def _meaning(self, error: EngineError) -> FleetError:
        if error.status == 404 and "o such container" in error.message:
            return Unreachable(f"{self.address}: there is none", hint="create it first")
        if error.status == 409:
            paused = "paused" in error.message
            hint = "unpause it first" if paused else "start it first"
            return Unreachable(f"{self.address}: it is not running", hint=hint)
        if isinstance(error, ConnectionLost):
            return Unreachable(f"{self.address}: {error.message}")
        return FleetError(f"{self.address}: {error.message}")

    def _open(self) -> Client:
        if self._client is None:
            options = {name: self.option(name) for name in _ENGINE}
            action: Any = SimpleNamespace(
                _connection=self._carrier(), _task=SimpleNamespace(environment=None)
            )
            self._channel = open_channel(action, options, kept_or_own)
            self._client = Client(self._channel.dial, options["engine_timeout"])
        return self._client

    def _carrier(self) -> Any:
        """Return what stands for Ansible's connection to the host: its ssh, or this machine."""
        become = self._become() if self.option("host_become") else None
        if not self.option("host"):
            shell = self._plugin._shell
            return SimpleNamespace(
                ansible_name="ansible.builtin.local", become=become, _shell=shell
            )
        context = copy.copy(self._play_context)
        context.remote_addr = self.option("host")
        context.remote_user, context.port = self.option("host_user"), self.option("host_port")
        carrier = connection_loader.get("ansible.builtin.ssh", context)
        names = {**_HOST, **{name: name for name in _SSH}}
        given = {theirs: self.option(ours) for ours, theirs in names.items()}
        carrier.set_options(
            direct={key: value for key, value in given.items() if value is not None}
        )
        carrier.become = become
        return carrier

    def _become(self) -> Any:
        method = self.option("host_become_method")
        become = become_loader.get(method)
        if become is None:
            raise Unreachable(f"{self.address}: there is no become method {method}")
        given = {"become_user": self.option("host_become_user")}
        password = self.option("host_become_password")
        if password is not None:
            given["become_pass"] = password
        become.set_options(direct=given)
        return become

    def close(self) -> None:
        """Close the connection to the engine; harmless to repeat."""
        for thing in (self._client, self._channel):
            if thing is not None:
                thing.close()
        self._client = self._channel = None
