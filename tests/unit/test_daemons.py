"""Runs of the tests beside each other on one machine: none ends what another one uses."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import daemons

# A run of its own: it enters, says so, and leaves at the end of its input.
OTHER = """
import pathlib, sys
from tests.lab import daemons
daemons.FOLDER = pathlib.Path(sys.argv[1])
entered = daemons.enter()
print("entered", flush=True)
sys.stdin.read()
with daemons.leave(entered) as last:
    print(last, flush=True)
"""
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[str]]:
    monkeypatch.setattr(daemons, "FOLDER", tmp_path)
    monkeypatch.setattr(daemons, "NOTES", tmp_path / "notes")
    with subprocess.Popen(
        [sys.executable, "-c", OTHER, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "entered\n"
        yield process
        process.kill()


def leaves_last() -> bool:
    with daemons.leave(daemons.enter()) as last:
        return last


def test_who_leaves_last_takes_back(other: subprocess.Popen[str]) -> None:
    assert not leaves_last()
    assert other.communicate()[0] == "True\n"
    assert leaves_last()


def test_a_run_that_was_killed_has_left(other: subprocess.Popen[str]) -> None:
    other.kill()
    other.wait()
    assert leaves_last()


def test_what_was_noted_ends(other: subprocess.Popen[str]) -> None:
    with subprocess.Popen(["sleep", "600"]) as daemon:
        daemons.note_process(daemon.pid)
        daemons.take_back()
        assert daemon.wait(10) < 0
    assert not daemons.NOTES.exists()
