# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The front end on the controller, shared by the action plugins of the container side.

It checks the options, opens a channel to the host's engine and runs the core here; where no
channel opens, the same core runs as a module on the target.
"""

from __future__ import annotations

import contextlib
import tempfile
from typing import Any, Dict, Iterable, Iterator, Mapping, Optional

from ansible import constants as C
from ansible.utils.display import Display

from ...module_utils._desired.errors import InvalidOption
from ...module_utils._desired.lock import lock
from ...module_utils._desired.progress import Progress
from ...module_utils._desired.run import coming, run
from ...module_utils._engine.client.engine import Client
from ...module_utils._engine.client.options import engine_options
from ..channel.open import Channel, NoChannel, open_channel
from .base import Base, noted
from .planned import Pending

# Ways on which another connection is no session of ssh, of which a server allows few (MaxSessions).
_CHEAP = ("socket", "port", "forward", "ssh-forward")


class Reach:
    """The way of one task to the engine, opened when it is needed and closed in the end.

    `host` is the task's, under whose name what takes long is told of; "" for tasks that only look.
    """

    def __init__(self, action: Base, params: Mapping[str, Any], host: str = "") -> None:
        self._action = action
        self._params = params
        self._host = host
        self._open = contextlib.ExitStack()
        self._channel: Optional[Channel] = None
        self._progress: Optional[Progress] = None

    def __enter__(self) -> Reach:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._open.close()

    def connect(self) -> Client:
        """Open the channel and return a client on it; raise as open_channel does."""
        channel = open_channel(self._action, self._params)
        self._open.callback(channel.close)
        self._channel = channel
        client = Client(channel.dial, self._params["engine_timeout"])
        self._open.callback(client.close)
        if channel.way.name not in _CHEAP:
            client.watchers = 0
        if self._host:
            client.progress = self._progress = self._action.progress(self._open, self._host)
        return client

    @contextlib.contextmanager
    def lock(self, host: str) -> Iterator[None]:
        """Exclude other writers of the engine that was reached; `host` is the task's."""
        name = self._channel.engine(host) if self._channel is not None else host
        with contextlib.ExitStack() as waiting:

            def tell(text: str) -> None:
                Display().warning(f"{host}: {text}")  # Ansible shows it when the task is over
                if self._progress is not None:
                    waiting.enter_context(self._progress.step("engine", text))

            with lock(name, tell):
                waiting.close()
                yield

    def public(self) -> Dict[str, Any]:
        """Return the way that was taken, empty if there was none."""
        return self._channel.public() if self._channel is not None else {}


class Front(Base):
    """An action plugin of a resource of the engine; see Base."""

    def connection_options(self) -> Dict[str, Any]:
        """Return the argument spec of the connection to the engine."""
        return engine_options()

    def work(self, params: Dict[str, Any], task_vars: Mapping[str, Any]) -> Dict[str, Any]:
        """Run the core, with what only the controller has."""
        return self._anywhere(self.prepare(params), task_vars)

    def prepare(self, params: Dict[str, Any]) -> Dict[str, Any]:
        """Read what only the controller has; subclasses may add internal options."""
        return params

    def module_args(self, params: Mapping[str, Any]) -> Dict[str, Any]:
        """Return what the module on the target gets; internal options begin with `_`."""
        given = ((key, value) for key, value in params.items() if value is not None)
        return {key: value for key, value in given if not key.startswith("_")}

    def _anywhere(self, params: Dict[str, Any], task_vars: Mapping[str, Any]) -> Dict[str, Any]:
        """Run the core here over a channel, or on the target; note what a check foresees."""
        host = self.host(task_vars)
        pending = Pending(host, params["engine_host"] or params["engine_context"] or "")
        params["pending"] = coming(self._task, pending.read)
        if params["engine_via"] == "target" or self._task.async_val:
            result = self._on_target(params, task_vars, [])
        else:
            try:
                result = self._here(params, host)
            except NoChannel as closed:
                if params["engine_via"] == "channel":
                    raise InvalidOption(
                        "; ".join(closed.reasons), option="engine_via", hint="use auto"
                    ) from None
                result = self._on_target(params, task_vars, closed.reasons)
        return noted(result, pending)

    def _here(self, params: Dict[str, Any], host: str) -> Dict[str, Any]:
        with Reach(self, params, host) as reach:
            pending = params["pending"]
            result = run(
                self.resource, params, reach.connect, self._task, pending, lambda: reach.lock(host)
            )
            way = reach.public()
            return {**result, "engine_way": {**way, "lock": "controller"}} if way else result

    def _on_target(
        self, params: Dict[str, Any], task_vars: Mapping[str, Any], reasons: Any
    ) -> Dict[str, Any]:
        result = self.run_module(self.module_args(params), task_vars)
        if "engine_way" in result:
            result["engine_way"]["tried"] = list(reasons)
        return result

    def upload(self, name: str, pieces: Iterable[bytes]) -> str:
        """Send a file into the task's temporary folder on the target; return its path there."""
        shell = self._connection._shell
        if not shell.tmpdir:
            self._make_tmp_path()
        remote = str(shell.join_path(shell.tmpdir, name))
        with tempfile.NamedTemporaryFile(dir=str(C.DEFAULT_LOCAL_TMP)) as local:
            for piece in pieces:
                local.write(piece)
            local.flush()
            self._transfer_file(local.name, remote)
        self._fixup_perms2((shell.tmpdir, remote))
        return remote
