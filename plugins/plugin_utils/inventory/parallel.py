# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same work for many hosts at once, in processes, each of which may take only so long.

A process, unlike a thread, can be ended in the middle of a login that hangs, with its ssh.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
from collections import deque
from multiprocessing.connection import Connection, wait
from typing import Any, Callable, Dict, Mapping, NamedTuple

from ansible.errors import AnsibleError

from ...module_utils._desired.errors import FleetError
from ...module_utils._desired.unexpected import as_fleet_error

# How long a process that has answered may take to end (seconds).
_ENDING = 2.0


class Outcome(NamedTuple):
    """What work came to: its value, or the text of what went wrong."""

    value: Any = None
    error: str = ""


class _Running(NamedTuple):
    name: str
    process: Any
    deadline: float


def in_parallel(
    work: Callable[[Any], Any], jobs: Mapping[str, Any], most: int, seconds: float
) -> Dict[str, Outcome]:
    """Return what `work` makes of each job, by the job's name.

    At most `most` run at a time; one that takes longer than `seconds` is ended. Values have to be
    what pickle can take.
    """
    waiting = deque(jobs.items())
    running: Dict[Connection, _Running] = {}
    outcomes: Dict[str, Outcome] = {}
    try:
        while waiting or running:
            while waiting and len(running) < most:
                name, job = waiting.popleft()
                reader, process = _start(work, job)
                running[reader] = _Running(name, process, time.monotonic() + seconds)
            soonest = min(entry.deadline for entry in running.values())
            for reader in wait([*running], max(soonest - time.monotonic(), 0)):
                if isinstance(reader, Connection):
                    entry = running.pop(reader)
                    outcomes[entry.name] = _outcome(reader)
                    _release(reader, entry.process)
            for reader in [*running]:
                if running[reader].deadline <= time.monotonic():
                    text = f"it did not answer within {seconds:g} s"
                    entry = running.pop(reader)
                    outcomes[entry.name] = Outcome(error=text)
                    _end(reader, entry.process)
    finally:
        for reader, entry in running.items():
            _end(reader, entry.process)
    return {name: outcomes[name] for name in jobs}


def _start(work: Callable[[Any], Any], job: Any) -> Any:
    # As Ansible's own workers: what is loaded is there at once.
    context = multiprocessing.get_context("fork")
    reader, writer = context.Pipe(duplex=False)
    process = context.Process(target=_serve, args=(work, job, writer), daemon=True)
    process.start()
    writer.close()
    return reader, process


def _serve(work: Callable[[Any], Any], job: Any, writer: Connection) -> None:
    os.setsid()  # what it starts ends with it, and nothing asks a question at the terminal
    try:
        outcome = Outcome(work(job))
    except (FleetError, AnsibleError, OSError) as error:
        outcome = Outcome(error=str(error))
    except Exception as error:
        outcome = Outcome(error=str(as_fleet_error(error)))
    writer.send(tuple(outcome))
    writer.close()


def _outcome(reader: Connection) -> Outcome:
    try:
        return Outcome(*reader.recv())
    except (EOFError, OSError):
        return Outcome(error="the process that read it has died")


def _release(reader: Connection, process: Any) -> None:
    """Let a process that has answered end by itself.

    What it leaves is for later: the shared connection of ssh, whose ProxyCommand is in its group.
    """
    process.join(_ENDING)
    if process.is_alive():
        process.kill()
    _close(reader, process)


def _end(reader: Connection, process: Any) -> None:
    """End a process with all that it has started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    _close(reader, process)


def _close(reader: Connection, process: Any) -> None:
    reader.close()
    process.join()
    process.close()
