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


def run(web_engine: FakeEngine, command: Any, **params: Any) -> Dict[str, Any]:
    return do(EXEC, web_engine.socket_path, container="web", command=command, **params)


def test_output_and_exit_code_are_returned(web_engine: FakeEngine) -> None:
    result = run(web_engine, "echo a b")
    assert (result["changed"], result["rc"]) == (True, 0)
    assert (result["stdout"], result["stdout_lines"], result["stderr"]) == ("a b", ["a b"], "")
    assert result["cmd"] == ["echo", "a", "b"]
    assert run(web_engine, "echo a", strip_empty_ends=False)["stdout"] == "a\n"


def test_another_exit_code_fails_with_all_that_was_said(web_engine: FakeEngine) -> None:
    result = run(web_engine, ["complain", "no", "more"])
    assert (result["failed"], result["changed"], result["rc"]) == (True, True, 3)
    said = "exec/web: the command exited with code 3; its last words: no | more"
    assert result["msg"] == said
    assert (result["stdout"], result["stderr_lines"]) == ("out", ["no", "more"])


def test_what_cannot_be_run_says_so(web_engine: FakeEngine) -> None:
    result = run(web_engine, "nonesuch")
    assert result["rc"] == 126
    assert "executable file not found" in result["msg"]


def test_input_ends_after_what_was_given(web_engine: FakeEngine) -> None:
    text = "line\n" * 100_000
    result = run(web_engine, "cat", stdin=text, stdin_add_newline=False, strip_empty_ends=False)
    assert result["stdout"] == text
    assert run(web_engine, "cat", stdin="a", strip_empty_ends=False)["stdout"] == "a\n"


def test_the_engine_is_asked_for_what_was_declared(web_engine: FakeEngine) -> None:
    options: Dict[str, Any] = {"user": "www:33", "working_dir": "/srv/", "privileged": True}
    result = run(
        web_engine, "env", environment={"A": 1}, secret_environment={"B": "hush"}, **options
    )
    assert result["stdout_lines"] == ["A=1", "B=********"]
    body = web_engine.writes[0].body
    assert {key: body[key] for key in ("User", "WorkingDir", "Privileged", "Tty")} == {
        "User": "www:33",
        "WorkingDir": "/srv",
        "Privileged": True,
        "Tty": False,
    }


def test_a_secret_is_in_nothing_that_is_returned(web_engine: FakeEngine) -> None:
    secret = {"TOKEN": "hush-hush", "SHORT": "x'y"}
    for command in (["echo", "x'y", "hush-hush"], ["complain", "hush-hush"], ["nonesuch"]):
        result = run(web_engine, command, secret_environment=secret)
        assert "hush-hush" not in json.dumps(result)
        assert "x'y" not in json.dumps(result)


def test_a_terminal_has_one_output(web_engine: FakeEngine) -> None:
    result = run(web_engine, ["complain", "no"], tty=True)
    assert (result["stdout"], result["stderr"]) == ("out\nno", "")


def test_detached_is_not_waited_for(web_engine: FakeEngine) -> None:
    result = run(web_engine, "false", detach=True)
    assert (result["changed"], "rc" in result) == (True, False)
    assert web_engine.state.execs[result["exec_id"]]["ExitCode"] == 1


def test_too_long_is_one_clear_error(web_engine: FakeEngine) -> None:
    done = threading.Event()

    def hang(_run: Program) -> Outcome:
        done.wait(20)
        return 0, b"", b""

    web_engine.program("hang", hang)
    try:
        result = run(web_engine, "hang", wait_timeout="100ms")
    finally:
        done.set()
    assert result["failed"] is True
    assert result["msg"].startswith("exec/web: the command did not end within 100ms; it goes on")
    assert result["rc"] is None


def test_check_mode_tells_as_much_as_can_be_known(web_engine: FakeEngine) -> None:
    result = run(web_engine, "true", check=True)
    assert (result["skipped"], result["changed"]) == (True, False)
    result = run(web_engine, "true", creates="/srv/done", check=True)
    assert (result["changed"], result.get("skipped")) == (True, None)
    result = run(web_engine, "true", creates="/etc/passwd", check=True)
    assert (result["changed"], result["rc"]) == (False, 0)
    assert web_engine.writes == []


def test_a_link_on_the_way_is_followed(web_engine: FakeEngine) -> None:
    files = web_engine.files("web")
    folder = files["/etc"]
    files["/conf"] = type(folder)("link", 0o777, link="/etc")
    assert run(web_engine, "true", creates="/conf/passwd")["changed"] is False


@pytest.mark.parametrize("kind", ["drop", "drop-after", "500", "500-after"])
@pytest.mark.parametrize("number", [1, 2])
def test_a_fault_of_the_engine_is_one_error(web_engine: FakeEngine, kind: str, number: int) -> None:
    web_engine.faults.at(number, kind)
    result = run(web_engine, "echo a")
    assert web_engine.faults.hits
    assert result["failed"] is True, result
    assert "Traceback" not in result["msg"]
    web_engine.faults.reset()
    assert run(web_engine, "echo a")["rc"] == 0


def test_frames_come_in_pieces_of_any_size() -> None:
    data = b"\1\0\0\0\0\0\0\3out\2\0\0\0\0\0\0\4errs\1\0\0\0\0\0\0\1!"
    for size in range(1, len(data) + 1):
        frames = Frames(False)
        for at in range(0, len(data), size):
            frames.feed(data[at : at + size])
        assert frames.texts() == {1: "out!", 2: "errs"}
