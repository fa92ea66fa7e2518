"""Daemons that a test run starts: once for all of its processes, and ended when it ends.

`make test` runs the tests in several processes. Whoever needs a daemon first starts it inside
`turn`, and notes how to take it back; the process that collects the results takes everything back.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / ".cache" / "daemons"
NOTES = FOLDER / "notes"


@contextlib.contextmanager
def turn(name: str) -> Iterator[None]:
    """Keep the other processes of the run out of something that is done once."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


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
