"""The core in a process of its own, which a fault may kill.

`with Core() as core: core.run({"name": "web", …}, fake.socket_path)`. A parent process that has
loaded the core forks once for each run, so that a run costs no start of an interpreter; it speaks
lines of JSON: {"params", "socket", "check", "kind", "timeout"} in (and "silence", the seconds that
a stream may say nothing), {"result", "signal"} out.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import queue
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, NamedTuple

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.lock import lock
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.run import run
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client import Client, unix_dial
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.container import CONTAINER
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.copy import COPY
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image import IMAGE
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.job import JOB
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.network import NETWORK
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.volume import VOLUME

RESOURCES: Dict[str, Any] = {
    "container": CONTAINER,
    "copy": COPY,
    "image": IMAGE,
    "network": NETWORK,
    "run": JOB,
    "volume": VOLUME,
}
ROOT = Path(__file__).resolve().parents[2]
ENGINE = "ansible_collections.dockyard.fleet.plugins.module_utils._engine"


# All that a run needs is loaded before the fork.
for _part in (
    "container_plan",
    "copy_out",
    "image_build",
    "image_pull",
    "job_run",
    "network_plan",
    "network_verbs",
    "stream",
    "volume_archive",
    "wait",
):
    importlib.import_module(f"{ENGINE}.{_part}")


class Outcome(NamedTuple):
    """How a run ended: its result, or the signal that ended it (result {})."""

    result: Dict[str, Any]
    signal: int


class Core:
    """Runs container tasks one after another, each in a new process, with the lock for real."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Core:
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{ROOT}:{ROOT / 'collections'}",
            "XDG_RUNTIME_DIR": str(self._folder),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.lab.corework"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_exc: Any) -> None:
        self._process.communicate(timeout=20)

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
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        job = {"params": params, "socket": socket, "check": check}
        job.update(kind=kind, timeout=timeout, **more)
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        return Outcome(**json.loads(self._process.stdout.readline()))


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


def main() -> None:
    """Answer one line after another, each from a fork."""
    for line in sys.stdin:
        receive, send = os.pipe()
        child = os.fork()
        if not child:
            os.close(receive)
            _in_child(json.loads(line), send)
        os.close(send)
        with os.fdopen(receive) as answer:
            text = answer.read()
        _pid, status = os.waitpid(child, 0)
        killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        result = json.loads(text) if text and not killed else {}
        print(json.dumps({"result": result, "signal": killed}), flush=True)


def _in_child(job: Dict[str, Any], send: int) -> None:
    try:
        result = work(job)
    except BaseException as error:  # anything but a result is a defect, which the test must see
        result = {"failed": True, "msg": f"Traceback: {error!r}"}
    with os.fdopen(send, "w") as answer, contextlib.suppress(BrokenPipeError):
        json.dump(result, answer)
    os._exit(0)


def work(job: Dict[str, Any]) -> Dict[str, Any]:
    """Run a task as the front ends do, under the machine's own lock."""
    resource = RESOURCES[job["kind"]]
    for part in ("image_build", "image_pull") if "silence" in job else ():
        vars(sys.modules[f"{ENGINE}.{part}"])["_SILENCE"] = job["silence"]
    checked = ArgumentSpecValidator(resource.spec()).validate(job["params"])
    assert not checked.error_messages, checked.error_messages
    return run(
        resource,
        checked.validated_parameters,
        lambda: Client(unix_dial(job["socket"]), job["timeout"]),
        SimpleNamespace(check_mode=job["check"]),
        {},
        lambda: lock(job["socket"]),
    )


if __name__ == "__main__":
    main()
