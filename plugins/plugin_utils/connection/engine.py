# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection plugin's engine: asked over a kept forward at once, else by a way to be opened.

Ansible runs each task in a new process and compiles the collection there, so what a command over a
kept forward does not need is imported late.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
from typing import TYPE_CHECKING, Any, Callable, Optional, TypeVar

from ansible import constants as C
from ansible import context

from ...module_utils._desired.errors import STRANGE, FleetError
from ...module_utils._desired.lock import own_folder
from ...module_utils._desired.unexpected import as_fleet_error
from ...module_utils._engine.client.engine import Client
from ...module_utils._engine.client.errors import ConnectionLost, EngineError
from ...module_utils._engine.client.names import container_name, meant
from .errors import Unreachable

if TYPE_CHECKING:
    from ..channel.open import Channel

# The options of ours that decide where a forward leads to, and the settings of ssh beside them.
DECIDES = (
    *("host", "host_port", "host_user", "host_private_key_file", "host_become"),
    *("ssh_args", "ssh_common_args", "ssh_extra_args", "ssh_executable", "control_path"),
    *("engine_host", "engine_context", "engine_ca", "engine_cert", "engine_key"),
    *("engine_tls", "engine_tls_hostname"),
)
_Answer = TypeVar("_Answer")


class Link:
    """The engine's client; `container` is the container's name.

    `opener` opens a way when the engine is first asked and no forward was kept.
    """

    def __init__(self, plugin: Any, play_context: Any, opener: Callable[[Link], Channel]) -> None:
        self.plugin = plugin
        self.play_context = play_context
        self._opener = opener
        self._channel: Optional[Channel] = None
        self._client: Optional[Client] = None
        self.container = str(self.option("container"))

    def option(self, name: str) -> Any:
        """Return an option of the plugin."""
        return self.plugin.get_option(name)

    @property
    def address(self) -> str:
        """How messages name the container."""
        return f"container {self.container} on {self.option('host') or 'this machine'}"

    @property
    def place(self) -> str:
        """Where the socket of a kept forward is, if there is one."""
        decides = [self.option(name) for name in DECIDES]
        given = [context.CLIARGS.get(f"ssh_{name}_args") for name in ("common", "extra")]
        set_for_ssh = sorted(
            entry for entry in os.environ.items() if entry[0].startswith("ANSIBLE_SSH")
        )
        words = json.dumps([decides, given, set_for_ssh, str(C.CONFIG_FILE)], default=str)
        name = hashlib.sha256(words.encode()).hexdigest()[:12]
        folder = os.path.expanduser(str(self.option("control_path_dir")))
        return os.path.join(folder, "fleet", name)

    def ask(self, question: Callable[[Client], _Answer]) -> _Answer:
        """Ask the engine something about the container; raise Unreachable if it is not running.

        An answer of another shape than an engine's is a FleetError, which names the container.
        """
        try:
            if self._client is None and self._kept():
                try:
                    return question(self._opened())
                except ConnectionLost:
                    # What an earlier task left may lead nowhere by now.
                    self.close()
            return question(self._opened())
        except EngineError as error:
            raise self._meaning(error) from error
        except STRANGE as error:
            fault = as_fleet_error(error)
            if fault.option or fault.message.startswith(self.address):
                raise
            raise FleetError(f"{self.address}: {fault}") from error

    def container_id(self, client: Client) -> str:
        """Return the container's id; Unreachable if none has the name.

        Asked before each command: an engine would take the name for the beginning of an id.
        """
        name = container_name(self.container, "container")
        answer = meant("container", name, client.get_all([(f"/containers/{name}/json", None)])[0])
        if answer is None:
            raise self._none()
        return str(answer["Id"])

    def _none(self) -> Unreachable:
        return Unreachable(f"{self.address}: there is none", hint="create it first")

    def _meaning(self, error: EngineError) -> FleetError:
        if error.status == 404 and "o such container" in error.message:
            return self._none()
        if error.status == 409:
            paused = "paused" in error.message
            hint = "unpause it first" if paused else "start it first"
            return Unreachable(f"{self.address}: it is not running", hint=hint)
        if isinstance(error, ConnectionLost):
            return Unreachable(f"{self.address}: {error.message}")
        return FleetError(f"{self.address}: {error.message}")

    def _kept(self) -> bool:
        """Use the forward that an earlier task left, if it stands; the engine is yet to answer."""
        if not self.option("host") or self.option("engine_tls") or self.option("engine_ca"):
            return False
        place, timeout = self.place, self.option("engine_timeout")

        def dial() -> socket.socket:
            stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                stream.settimeout(timeout)
                stream.connect(place)
            except OSError:
                stream.close()
                raise
            return stream

        try:
            os.close(own_folder(os.path.dirname(place)))  # no other user has put it there
            dial().close()
        except (FleetError, OSError):
            return False
        self._client = Client(dial, timeout)
        return True

    def _opened(self) -> Client:
        if self._client is None:
            self._channel = self._opener(self)
            self._client = Client(self._channel.dial, self.option("engine_timeout"))
        return self._client

    def close(self) -> None:
        """Close the connection to the engine; harmless to repeat."""
        for thing in (self._client, self._channel):
            if thing is not None:
                thing.close()
        self._client = self._channel = None
