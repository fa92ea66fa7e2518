"""The core in a process of its own, which a fault may kill.

`with Core() as core: core.run({"name": "web", …}, fake.socket_path)`. Its jobs (see forking.py) are
{"params", "socket", "check", "kind", "timeout"}, and "silence", the seconds that a stream may say
nothing.
"""

from __future__ import annotations

import importlib
import os
import queue
import sys
from pathlib import Path
from typing import Any, Dict

from ansible_collections.dockyard.fleet.plugins.module_utils._desired.lock import lock
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container.resource import (
    CONTAINER,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.copy.resource import COPY
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.resource import IMAGE
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.network.resource import NETWORK
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.run.resource import JOB
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.stack.resource import STACK
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.volume.resource import VOLUME

from tests.lab.core import run_task
from tests.lab.forking import Outcome, Parent, serve

RESOURCES: Dict[str, Any] = {
    "container": CONTAINER,
    "copy": COPY,
    "image": IMAGE,
    "network": NETWORK,
    "run": JOB,
    "stack": STACK,
    "volume": VOLUME,
}
CORE = "ansible_collections.dockyard.fleet.plugins.module_utils"


# All that a run needs is loaded before the fork.
for _part in (
    "_engine.container.plan",
    "_engine.copy.fetch",
    "_engine.image.building.build",
    "_engine.image.pull",
    "_engine.run.verbs",
    "_engine.network.plan",
    "_engine.network.verbs",
    "_engine.client.stream",
    "_engine.volume.archive",
    "_engine.container.wait",
):
    importlib.import_module(f"{CORE}.{_part}")


class Core:
    """Runs container tasks one after another, each in a new process, with the lock for real."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Core:
        environment = {"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": str(self._folder)}
        self._parent = Parent("tests.lab.corework", environment)
        return self

    def __exit__(self, *_exc: Any) -> None:
        self._parent.close()

    def run(
        self,
        params: Dict[str, Any],
        socket: str,
        check: bool = False,
        kind: str = "container",
        timeout: float = 20,
        **more: Any,
    ) -> Outcome:
        """Run one task against the engine at `socket`."""
        job = {"params": params, "socket": socket, "check": check}
        job.update(kind=kind, timeout=timeout, **more)
        return self._parent.ask(job)


class Crew:
    """Several cores: each call of `run` takes one that is free."""

    def __init__(self, folder: Path, size: int) -> None:
        self._cores = [Core(folder) for _number in range(size)]
        self._free: queue.SimpleQueue[Core] = queue.SimpleQueue()

    def __enter__(self) -> Crew:
        for core in self._cores:
            self._free.put(core.__enter__())
        return self

    def __exit__(self, *exc: Any) -> None:
        for core in self._cores:
            core.__exit__(*exc)

    def run(self, params: Dict[str, Any], socket: str, check: bool = False, **more: Any) -> Outcome:
        """Run one task against the engine at `socket`."""
        core = self._free.get()
        try:
            return core.run(params, socket, check, **more)
        finally:
            self._free.put(core)


def work(job: Dict[str, Any]) -> Dict[str, Any]:
    """Run a task as the front ends do, under the machine's own lock."""
    resource = RESOURCES[job["kind"]]
    for part in ("_engine.image.building.build", "_engine.image.pull") if "silence" in job else ():
        vars(sys.modules[f"{CORE}.{part}"])["_SILENCE"] = job["silence"]
    return run_task(
        resource,
        job["params"],
        lambda: Client(unix_dial(job["socket"]), job["timeout"]),
        job["check"],
        lock=lambda: lock(job["socket"]),
    )


if __name__ == "__main__":
    serve(work)
