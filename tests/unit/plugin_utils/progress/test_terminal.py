# Copyright (c) dockyard.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user sees of status lines on a terminal, while several hosts move and others print."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.screen import Run

ROOT = Path(__file__).resolve().parents[4]
# A run with forks that send; each scenario is what its first process does.
BEGIN = """\
import getpass, os, select, signal, sys, termios, threading, time
from ansible_collections.dockyard.fleet.plugins.plugin_utils.progress import terminal
from ansible_collections.dockyard.fleet.plugins.plugin_utils.progress.status_lines import Status

shown = terminal.find_terminal(threading.RLock())

def fork(host, words="pulling, {0} of 9 MiB", times=10, ends=True):
    pid = os.fork()
    if pid == 0:
        os.setsid()  # as Ansible's forks: keys are not for them
        for number in range(times):
            shown.send(host, Status(host, "image/app:1", words.format(number), f"{number} s"))
            time.sleep(0.1)
        if ends:
            shown.send(host, None)
        os._exit(0)
    return pid

def key():
    select.select([0], [], [])
    return os.read(0, 100)

"""
STATUS = re.compile(r"[a-z0-9]+: image/app:1: pulling, \d of 9 MiB, \d s")


def run(scenario: str, columns: int = 80, rows: int = 24) -> Run:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "collections"), "TERM": "xterm"}
    # From Python 3.12 on it warns, in the first file only, of threads where there are forks.
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", BEGIN + scenario]
    return Run(command, environment, columns, rows)


def printed(program: Run) -> Iterator[str]:
    """Yield, once each, the lines that have been seen and are no status."""
    lines = {line for frame in program.frames for line in frame}
    yield from sorted(line for line in lines if line and not STATUS.fullmatch(line))


def test_each_host_has_a_line_and_nothing_that_is_printed_is_touched() -> None:
    hosts = ["web1", "web2", "web3"]
    scenario = f"""
forks = [fork(host) for host in {hosts}]
for number in range(20):
    print(f"ok: [other{{number}}] {{'x' * 60}}", file=sys.stderr if number % 3 == 0 else sys.stdout)
    time.sleep(0.06)
for pid in forks:
    os.waitpid(pid, 0)
print("PLAY RECAP")
"""
    with run(scenario) as program:
        assert program.wait() == 0
        output = [f"ok: [other{number}] {'x' * 60}" for number in range(20)]
        assert program.screen.lines == [*output, "PLAY RECAP", ""]
        assert list(printed(program)) == sorted([*output, "PLAY RECAP"])
        at_once = max(
            program.frames, key=lambda lines: len([1 for line in lines if STATUS.fullmatch(line)])
        )
        assert sorted(line.split(":")[0] for line in at_once[-3:]) == hosts


def test_a_narrow_and_low_terminal_keeps_its_shape() -> None:
    scenario = """
forks = [fork(f"server{number}.example.com", times=5) for number in range(6)]
print("TASK [Pull]")
for pid in forks:
    os.waitpid(pid, 0)
"""
    with run(scenario, 40, 8) as program:
        program.shows("more hosts")
        assert program.wait() == 0
        assert program.screen.lines == ["TASK [Pull]", ""]
        for frame in program.frames:
            status = [line for line in frame if line and line != "TASK [Pull]"]
            assert len(status) <= 4
            assert all(len(line) < 40 for line in status)


def test_hostile_words_draw_nothing_but_words() -> None:
    # The screen fails on every control character and sequence that is not one of ours.
    scenario = r"""
words = "\x1b[2J\x1b]0;title\x07\x1b[?25l\r\n\u202e\x9b1A\x00" + "x" * (1 << 20)
pid = fork("web1\x1b[H", words.replace("{", "").replace("}", ""), 8)
print("TASK [Pull]")
os.waitpid(pid, 0)
"""
    with run(scenario) as program:
        program.shows(r"\x1b[2J")
        assert program.wait() == 0
        assert program.screen.lines == ["TASK [Pull]", ""]


def test_ctrl_c_leaves_no_line_and_a_sane_terminal() -> None:
    scenario = """
forks = [fork("web1", times=99), fork("web2", times=99)]
print("TASK [Pull]")
try:
    signal.pause()
except KeyboardInterrupt:
    for pid in forks:
        os.kill(pid, signal.SIGKILL)
    print("[ERROR]: User interrupted execution", file=sys.stderr)
    sys.exit(99)
"""
    with run(scenario) as program:
        program.shows("web2: image/app:1")
        program.send(b"\x03")
        assert program.wait() == 99
        assert program.screen.lines == ["TASK [Pull]", "[ERROR]: User interrupted execution", ""]
        assert program.is_sane()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_killed_leaves_a_sane_terminal(number: int) -> None:
    with run("print('TASK [Pull]'); fork('web1', times=99, ends=False); signal.pause()") as program:
        program.shows("web1: image/app:1")
        program.kill(number)
        assert program.wait() == -number
        # A shell begins where the line is, and takes its place.
        program.screen.feed("\r\x1b[J$ ")
        assert program.screen.lines == ["TASK [Pull]", "$"]
        assert program.is_sane()


def test_nothing_is_drawn_while_a_password_is_asked_for() -> None:
    scenario = """
pid = fork("web1", times=99)
print("TASK [Ask]")
key()
answer = getpass.getpass("Password: ")
print(len(answer))
os.kill(pid, signal.SIGKILL)
"""
    with run(scenario) as program:
        program.shows("web1: image/app:1")
        program.send(b"\n")
        program.shows("Password:")
        # The fork tells more meanwhile, and goes; neither is to be seen.
        with pytest.raises(AssertionError, match="not within"):
            program.until(lambda: not program.output.endswith("Password: "), 1.5)
        program.send(b"secret\n")
        assert program.wait() == 0
        assert program.screen.lines[-3:] == ["Password:", "6", ""]


def test_a_line_that_is_not_at_its_end_is_not_drawn_into() -> None:
    scenario = """
pid = fork("web1", times=99)
print("copying ...", end="", flush=True)
time.sleep(0.7)
print(" done")
key()
os.kill(pid, signal.SIGKILL)
"""
    with run(scenario) as program:
        program.shows("done")
        program.shows("web1: image/app:1")
        program.send(b"\n")
        assert program.wait() == 0
        assert "copying ... done" in program.screen.lines
        assert not any("copying" in line and "web1" in line for line in program.output.split("\r"))


def test_the_line_of_a_fork_that_was_killed_goes() -> None:
    scenario = """
terminal._GONE = 0.5
pid = fork("web1", times=3, ends=False)
fork("web2", times=30)
print("TASK [Pull]")
os.waitpid(-1, 0)
os.waitpid(-1, 0)
"""
    with run(scenario) as program:
        program.shows("web1: image/app:1")
        program.shows("web2: image/app:1")
        program.until(lambda: "web1" not in program.screen.text and "web2" in program.screen.text)
        assert program.wait() == 0
        assert program.screen.lines == ["TASK [Pull]", ""]


def test_keys_that_are_pressed_take_no_output_away() -> None:
    scenario = """
pid = fork("web1", times=99)
for number in range(5):
    print(f"TASK [{number}]")
key()
time.sleep(0.5)
print("PLAY RECAP")
os.kill(pid, signal.SIGKILL)
"""
    with run(scenario) as program:
        program.shows("web1: image/app:1")
        program.send(b"\n")
        assert program.wait() == 0
        lines = program.screen.lines
        assert lines[:5] == [f"TASK [{number}]" for number in range(5)]
        assert "PLAY RECAP" in lines


def test_a_terminal_that_becomes_narrower_keeps_what_was_printed() -> None:
    scenario = """
pids = [fork("web1", times=99), fork("web2.example.com", times=99)]
for number in range(5):
    print(f"TASK [{number}]")
key()
print("PLAY RECAP")
for pid in pids:
    os.kill(pid, signal.SIGKILL)
"""
    with run(scenario) as program:
        program.shows("web2.example.com: image/app:1")
        program.resize(30)
        program.until(lambda: "web2.…: " in program.screen.text and _widest(program) < 30)
        program.send(b"\n")
        assert program.wait() == 0
        # The key has moved the cursor down a line, so that the first of the two stays.
        lines = [line for line in program.screen.lines if not line.startswith("web")]
        assert lines == [*(f"TASK [{number}]" for number in range(5)), "PLAY RECAP", ""]


def _widest(program: Run) -> int:
    return max(len(line) for line in program.screen.lines)


def test_a_stopped_terminal_stops_nothing_but_output(tmp_path: Path) -> None:
    there = tmp_path / "there"
    scenario = f"""
pid = fork("web1", times=99)
print("TASK [Pull]")
key()
time.sleep(1)  # some drawings long
with shown._lock, shown._own:
    open({str(there)!r}, "w").close()
key()
os.kill(pid, signal.SIGKILL)
"""
    with run(scenario) as program:
        program.shows("web1: image/app:1")
        program.send(b"\n\x13")
        program.until(there.exists, 20)
        program.send(b"\x11\n")
        assert program.wait() == 0
        assert "TASK [Pull]" in program.screen.lines


@pytest.mark.parametrize(
    ("scenario", "what"),
    [
        ("print(terminal.is_ours(1))", "True"),
        (
            "modes = termios.tcgetattr(1); modes[3] &= ~termios.ICANON\n"
            "termios.tcsetattr(1, termios.TCSANOW, modes); print(terminal.is_ours(1))",
            "False",
        ),
        ("os.setpgid(0, 0); print(terminal.is_ours(1))", ""),
    ],
)
def test_a_terminal_is_ours_while_it_gathers_and_shows_lines(scenario: str, what: str) -> None:
    with run(scenario) as program:
        program.wait()
        assert what in program.screen.text


def test_what_is_no_terminal_is_none() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "collections")}
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + "print(shown)"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "None\n", done.stderr
