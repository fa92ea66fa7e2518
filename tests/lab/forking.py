"""Jobs in processes of their own, which a fault may kill: forks of one that has loaded all.

A run so costs no start of an interpreter. The parent speaks lines of JSON: a job in, {"result",
"signal"} out.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Callable, Dict, Mapping, NamedTuple

ROOT = Path(__file__).resolve().parents[2]

Job = Dict[str, Any]


class Outcome(NamedTuple):
    """How a job ended: its result, or the signal that ended it (result {})."""

    result: Dict[str, Any]
    signal: int


class Parent:
    """A process of a module that serves; one job after another."""

    def __init__(self, module: str, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT,
            env={
                **environment,
                "PYTHONPATH": f"{ROOT}:{ROOT / 'collections'}",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=20)

    def ask(self, job: Job) -> Outcome:
        """Have a job done."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        return Outcome(**json.loads(self._process.stdout.readline()))


def serve(work: Callable[[Job], Dict[str, Any]]) -> None:
    """Answer one line after another, each from a fork."""
    for line in sys.stdin:
        receive, send = os.pipe()
        child = os.fork()
        if not child:
            os.close(receive)
            _in_child(work, json.loads(line), send)
        os.close(send)
        with os.fdopen(receive) as answer:
            text = answer.read()
        _pid, status = os.waitpid(child, 0)
        killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        result = json.loads(text) if text and not killed else {}
        print(json.dumps({"result": result, "signal": killed}), flush=True)


def _in_child(work: Callable[[Job], Dict[str, Any]], job: Job, send: int) -> None:
    try:
        result = work(job)
    except BaseException as error:  # anything but a result is a defect, which the test must see
        result = {"failed": True, "msg": f"Traceback: {error!r}"}
    with os.fdopen(send, "w") as answer, contextlib.suppress(BrokenPipeError):
        json.dump(result, answer)
    os._exit(0)
