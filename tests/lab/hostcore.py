"""The core about a machine in a process of its own, which may die at any call of libvirt.

`run({"name": "web", …}, uri, point=(3, "after"))`. The process kills itself before or after its
n-th call, counted over all calls or, by default, over those that write.
"""

from __future__ import annotations

import os
import queue
import signal
from typing import Any, Callable, ClassVar, Dict, List, NamedTuple, Optional, Tuple

from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.client.hypervisor import (
    Hypervisor,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.vm.resource import MACHINE

from tests.lab.core import run_task
from tests.lab.forking import Parent, serve
from tests.lab.hostwork import READS, binding

_idle: queue.SimpleQueue[Parent] = queue.SimpleQueue()
# The number of the call, and "before" or "after".
Point = Tuple[int, str]


class Ending(NamedTuple):
    """How a run ended: its result and its writing calls, or nothing of both if it was killed."""

    result: Dict[str, Any]
    calls: List[str]
    killed: bool


def run(
    params: Dict[str, Any],
    uri: str,
    point: Optional[Point] = None,
    every: bool = False,
    check: bool = False,
) -> Ending:
    """Run a task about a machine; `every` counts calls that only read too."""
    try:
        parent = _idle.get_nowait()
    except queue.Empty:
        # As many as there are runs at once; each ends when this process does.
        parent = Parent("tests.lab.hostcore", os.environ)
    try:
        told = parent.ask(
            {"params": params, "uri": uri, "point": point, "every": every, "check": check}
        )
    finally:
        _idle.put(parent)
    if told.signal == signal.SIGKILL:
        return Ending({}, [], True)
    assert "calls" in told.result, told.result["msg"]
    return Ending(**told.result, killed=False)


class Mortal(Hypervisor):
    """A hypervisor that lists its calls, and whose process dies at one of them."""

    calls: ClassVar[List[str]] = []
    point: ClassVar[Optional[Point]] = None
    every: ClassVar[bool] = False

    def invoke(self, function: Callable[..., Any], args: Tuple[Any, ...]) -> Any:
        """Make one call, unless it is the one to die before."""
        name = function.__name__
        if name in READS and not self.every:
            return function(*args)
        self.calls.append(name)
        number, when = self.point or (0, "")
        here = len(self.calls) == number
        if here and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        try:
            return function(*args)
        finally:
            if here:
                os.kill(os.getpid(), signal.SIGKILL)


def work(job: Dict[str, Any]) -> Dict[str, Any]:
    """Run a job; return its result and the calls that were made."""
    Mortal.point, Mortal.every = job["point"], job["every"]
    result = run_task(MACHINE, job["params"], lambda: Mortal(job["uri"]), job["check"])
    return {"result": result, "calls": Mortal.calls}


if __name__ == "__main__":
    binding()
    serve(work)
