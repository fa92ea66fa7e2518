"""Daemons that test runs start: once for all on a machine, and ended when the last of them ends.

`make test` runs the tests in several processes, and there may be more runs, of other checkouts too.
Whoever needs a daemon first starts it inside `turn`, and notes how to take it back. The process
that collects a run's results enters the run and leaves it; who leaves last takes everything back.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

_RUN = "/run" if os.geteuid() == 0 else os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
FOLDER = Path(_RUN) / "dockyard-tests"
NOTES = FOLDER / "notes"


@contextlib.contextmanager
def turn(name: str) -> Iterator[None]:
    """Keep other processes out of something that is done once."""
    with _open(f"{name}.lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def enter() -> TextIO:
    """Enter a run, once no other is taking things back; return what `leave` takes.

    A run that is killed has left: the kernel takes its lock.
    """
    entered = _open("runs")
    fcntl.flock(entered, fcntl.LOCK_SH)
    return entered


@contextlib.contextmanager
def leave(entered: TextIO) -> Iterator[bool]:
    """Leave a run; yield whether it was the last one, while no other can begin."""
    with entered:
        fcntl.flock(entered, fcntl.LOCK_UN)
        try:
            fcntl.flock(entered, fcntl.LOCK_EX | fcntl.LOCK_NB)
            last = True
        except BlockingIOError:
            last = False
        yield last


def _open(name: str) -> TextIO:
    FOLDER.mkdir(mode=0o700, parents=True, exist_ok=True)
    return (FOLDER / name).open("w")


def note_process(pid: int) -> None:
    """Note a daemon that was started."""
    _note({"pid": pid, "program": _program(pid)})


def note_command(*command: str) -> None:
    """Note a command that takes something back."""
    _note({"command": command})


def take_back() -> None:
    """Undo what was noted, the last first; what a killed run has left as well."""
    if not NOTES.exists():
        return
    for line in reversed(NOTES.read_text().splitlines()):
        noted = json.loads(line)
        if "command" in noted:
            subprocess.run(noted["command"], capture_output=True, check=False)
        elif _program(noted["pid"]) == noted["program"]:
            _end(noted["pid"])
    NOTES.unlink()


def _note(what: dict[str, object]) -> None:
    with NOTES.open("a") as notes:
        notes.write(json.dumps(what) + "\n")


def _program(pid: int) -> str:
    """Return what a process runs, "" when there is none, or when it is waited for only."""
    with contextlib.suppress(OSError):
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return "" if state == "Z" else Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def _end(pid: int) -> None:
    deadline = time.monotonic() + 60
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        while _program(pid):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)
