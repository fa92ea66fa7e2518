"""A command in a container: its output and exit code, and what a user is told."""

from __future__ import annotations

import json
import threading
from typing import Any, Dict

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.raw_stream import Frames
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.exec.resource import EXEC

from tests.lab.fake_engine import FakeEngine
from tests.lab.fake_output import Outcome, Program
from tests.lab.tasks import do


def run(fake: FakeEngine, command: Any, **params: Any) -> Dict[str, Any]:
    return do(EXEC, fake.socket_path, container="web", command=command, **params)


def test_output_and_exit_code_are_returned(fake: FakeEngine) -> None:
    result = run(fake, "echo a b")
    assert (result["changed"], result["rc"]) == (True, 0)
    assert (result["stdout"], result["stdout_lines"], result["stderr"]) == ("a b", ["a b"], "")
    assert result["cmd"] == ["echo", "a", "b"]
    assert run(fake, "echo a", strip_empty_ends=False)["stdout"] == "a\n"


def test_another_exit_code_fails_with_all_that_was_said(fake: FakeEngine) -> None:
    result = run(fake, ["complain", "no", "more"])
    assert (result["failed"], result["changed"], result["rc"]) == (True, True, 3)
    said = "exec/web: the command exited with code 3; its last words: no | more"
    assert result["msg"] == said
    assert (result["stdout"], result["stderr_lines"]) == ("out", ["no", "more"])


def test_what_cannot_be_run_says_so(fake: FakeEngine) -> None:
    result = run(fake, "nonesuch")
    assert result["rc"] == 126
    assert "executable file not found" in result["msg"]


def test_input_ends_after_what_was_given(fake: FakeEngine) -> None:
    text = "line\n" * 100_000
    result = run(fake, "cat", stdin=text, stdin_add_newline=False, strip_empty_ends=False)
    assert result["stdout"] == text
    assert run(fake, "cat", stdin="a", strip_empty_ends=False)["stdout"] == "a\n"


def test_the_engine_is_asked_for_what_was_declared(fake: FakeEngine) -> None:
    options: Dict[str, Any] = {"user": "www:33", "working_dir": "/srv/", "privileged": True}
    result = run(fake, "env", environment={"A": 1}, secret_environment={"B": "hush"}, **options)
    assert result["stdout_lines"] == ["A=1", "B=********"]
    body = fake.writes[0].body
    assert {key: body[key] for key in ("User", "WorkingDir", "Privileged", "Tty")} == {
        "User": "www:33",
        "WorkingDir": "/srv",
        "Privileged": True,
        "Tty": False,
    }


def test_a_secret_is_in_nothing_that_is_returned(fake: FakeEngine) -> None:
    secret = {"TOKEN": "hush-hush", "SHORT": "x'y"}
    for command in (["echo", "x'y", "hush-hush"], ["complain", "hush-hush"], ["nonesuch"]):
        result = run(fake, command, secret_environment=secret)
        assert "hush-hush" not in json.dumps(result)
        assert "x'y" not in json.dumps(result)


def test_a_terminal_has_one_output(fake: FakeEngine) -> None:
    result = run(fake, ["complain", "no"], tty=True)
    assert (result["stdout"], result["stderr"]) == ("out\nno", "")


def test_detached_is_not_waited_for(fake: FakeEngine) -> None:
    result = run(fake, "false", detach=True)
    assert (result["changed"], "rc" in result) == (True, False)
    assert fake.state.execs[result["exec_id"]]["ExitCode"] == 1


def test_too_long_is_one_clear_error(fake: FakeEngine) -> None:
    done = threading.Event()

    def hang(_run: Program) -> Outcome:
        done.wait(20)
        return 0, b"", b""

    fake.program("hang", hang)
    try:
        result = run(fake, "hang", wait_timeout="100ms")
    finally:
        done.set()
    assert result["failed"] is True
    assert result["msg"].startswith("exec/web: the command did not end within 100ms; it goes on")
    assert result["rc"] is None


def test_check_mode_tells_as_much_as_can_be_known(fake: FakeEngine) -> None:
    result = run(fake, "true", check=True)
    assert (result["skipped"], result["changed"]) == (True, False)
    result = run(fake, "true", creates="/srv/done", check=True)
    assert (result["changed"], result.get("skipped")) == (True, None)
    result = run(fake, "true", creates="/etc/passwd", check=True)
    assert (result["changed"], result["rc"]) == (False, 0)
    assert fake.writes == []


def test_a_link_on_the_way_is_followed(fake: FakeEngine) -> None:
    files = fake.files("web")
    folder = files["/etc"]
    files["/conf"] = type(folder)("link", 0o777, link="/etc")
    assert run(fake, "true", creates="/conf/passwd")["changed"] is False


@pytest.mark.parametrize("kind", ["drop", "drop-after", "500", "500-after"])
@pytest.mark.parametrize("number", [1, 2])
def test_a_fault_of_the_engine_is_one_error(fake: FakeEngine, kind: str, number: int) -> None:
    fake.faults.at(number, kind)
    result = run(fake, "echo a")
    assert fake.faults.hits
    assert result["failed"] is True, result
    assert "Traceback" not in result["msg"]
    fake.faults.reset()
    assert run(fake, "echo a")["rc"] == 0


def test_frames_come_in_pieces_of_any_size() -> None:
    data = b"\1\0\0\0\0\0\0\3out\2\0\0\0\0\0\0\4errs\1\0\0\0\0\0\0\1!"
    for size in range(1, len(data) + 1):
        frames = Frames(False)
        for at in range(0, len(data), size):
            frames.feed(data[at : at + size])
        assert frames.texts() == {1: "out!", 2: "errs"}
