"""Open a channel, use it, close it, and report what happened and what is left."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

from ansible import constants as C
from ansible.plugins.action import ActionBase
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import FleetError
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.connection import (
    Reply,
    Wire,
)
from ansible_collections.dockyard.fleet.plugins.plugin_utils.channel.open import (
    Channel,
    NoChannel,
    open_channel,
)
from ansible_collections.dockyard.fleet.plugins.plugin_utils.channel.ssh import Ssh

REQUEST = b"GET /version HTTP/1.1\r\nHost: engine\r\n\r\n"


def version(stream: Any) -> str:
    stream.sendall(REQUEST)
    return str(Reply(Wire(stream), "GET").read().value("GET", "/version")["Version"])


def use(channel: Channel, keep_open: bool) -> list[str]:
    """Ask over two streams that are open at once."""
    streams = [channel.dial(), channel.dial()]
    answers = [version(stream) for stream in reversed(streams)]
    if keep_open:  # an endless answer is under way on a third when the channel is closed
        events = channel.dial()
        events.sendall(b"GET /events HTTP/1.1\r\nHost: engine\r\n\r\n")
        answers.append(events.recv(12).decode())
        return answers
    for stream in streams:
        stream.close()
    return answers


def children() -> list[str]:
    """Return the command lines of this process's children, but for ansible-core's own.

    It keeps one that tracks the shared memory in which it hands a password to ssh.
    """
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
            if parent == os.getpid():
                line = status.with_name("cmdline").read_text().replace("\0", " ")
                if "multiprocessing.resource_tracker" not in line:
                    found.append(line)
        except OSError:
            continue
    return found


class ActionModule(ActionBase):
    """Options: `report` (file for the result), `engine_…`, `keep_open`, `kill_shared`, `die`."""

    _requires_connection = True

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result = self._try()
        name = f"{task_vars['inventory_hostname']}.json"
        Path(self._task.args["report"], name).write_text(json.dumps(result))
        return {"outcome": result}

    def _try(self) -> dict[str, Any]:
        began = time.monotonic()
        given = self._task.args.items()
        engine = {key: value for key, value in given if key.startswith("engine_")}
        try:
            channel = open_channel(self, {"engine_timeout": 20.0, **engine})
        except NoChannel as error:
            return {"way": "none", "tried": error.reasons}
        except FleetError as error:
            return {"way": type(error).__name__, "error": str(error)}
        opened = time.monotonic()
        said = channel.public()
        result: dict[str, Any] = {"way": said.pop("name"), **said}
        if self._task.args.get("kill_shared"):
            result["killed"] = Ssh(self._connection).control("exit")
        if self._task.args.get("die"):
            version(channel.dial())
            os.kill(os.getpid(), signal.SIGKILL)
        result["answers"] = use(channel, bool(self._task.args.get("keep_open")))
        used = time.monotonic()
        channel.close()
        channel.close()
        parts = (opened - began, used - opened, time.monotonic() - used)
        result["ms"] = [round(1000 * part) for part in parts]
        result["children"] = children()
        result["files"] = sorted(os.listdir(C.DEFAULT_LOCAL_TMP))
        return result
