"""A container that runs to its end: its output and exit code, and what a kill leaves."""

from __future__ import annotations

import json
import threading
import time
from typing import Any, Callable, Dict, List

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.run.resource import JOB

from tests.lab.fake_engine import FakeEngine
from tests.lab.tasks import do


def run(web_engine: FakeEngine, **params: Any) -> Dict[str, Any]:
    return do(JOB, web_engine.socket_path, **{"name": "job", "image": "job:1", **params})


def in_the_engine(web_engine: FakeEngine, happened: Callable[[], bool]) -> None:
    """Wait until something has happened in the engine, or a call has come in."""
    end = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < end
        with web_engine.state.lock:
            web_engine.state.changed.wait(0.01)


def asked(web_engine: FakeEngine, path: str) -> Callable[[], bool]:
    return lambda: any(call.path == path for call in web_engine.calls)


def test_output_and_exit_code_are_returned_and_nothing_is_left(web_engine: FakeEngine) -> None:
    web_engine.add_image("job:1", behaviour="exit:0", logs=["one", "two"], volumes=["/data"])
    result = run(web_engine)
    assert (result["changed"], result["rc"], result["stdout"]) == (True, 0, "one\ntwo")
    assert result["stdout_lines"] == ["one", "two"]
    assert (web_engine.names(), web_engine.volumes) == (["web"], {})
    assert result["container"] is None
    kept = run(web_engine, cleanup=False)
    assert (web_engine.names(), kept["container"]["State"]["ExitCode"]) == (["job", "web"], 0)


def test_another_exit_code_fails_with_all_that_was_said(web_engine: FakeEngine) -> None:
    web_engine.add_image("job:1", behaviour="exit:3", logs=["no access for hush-hush"])
    result = run(web_engine, secret_environment={"TOKEN": "hush-hush"})
    assert (result["failed"], result["changed"], result["rc"]) == (True, True, 3)
    assert result["msg"] == (
        "container/job: the job exited with code 3; its last words: no access for ********"
    )
    assert "hush-hush" not in json.dumps(result)
    assert web_engine.names() == ["web"]


def test_input_ends_after_what_was_given(web_engine: FakeEngine) -> None:
    web_engine.add_image("job:1", behaviour="cat")
    text = "line\n" * 20_000
    assert run(web_engine, stdin=text, stdin_add_newline=False)["stdout"] == text.rstrip()
    assert run(web_engine, stdin="a")["stdout"] == "a"


def test_a_job_that_takes_too_long_is_ended(web_engine: FakeEngine) -> None:
    web_engine.add_image("job:1", logs=["so far"])
    result = run(web_engine, wait_timeout="100ms")
    assert "did not end within 100ms; it was stopped" in result["msg"]
    assert (result["stdout"], result["rc"]) == ("so far", None)
    assert web_engine.names() == ["web"]


@pytest.mark.parametrize("code", [0, 3])
def test_an_earlier_run_that_goes_on_is_awaited(web_engine: FakeEngine, code: int) -> None:
    web_engine.add_image("job:1", logs=["from the beginning"])
    second: List[Dict[str, Any]] = []
    # It leaves the container, as a task that was killed does.
    before = threading.Thread(target=lambda: run(web_engine, cleanup=False))
    before.start()
    in_the_engine(
        web_engine,
        lambda: "job" in web_engine.names() and web_engine.container("job")["State"]["Running"],
    )
    ident = web_engine.container("job")["Id"]
    after = threading.Thread(target=lambda: second.append(run(web_engine)))
    after.start()
    in_the_engine(web_engine, asked(web_engine, f"/containers/{ident}/logs"))
    other = run(web_engine, environment={"A": "1"})
    assert other["msg"] == (
        "name: an earlier run of job is still going on, and is another: environment.A: none → 1; "
        "wait for its end, stop it, or give this job another name"
    )
    web_engine.die("job", code)
    before.join(20)
    after.join(20)
    assert (second[0]["rc"], second[0]["stdout"]) == (code, "from the beginning")
    assert "    wait " in second[0]["plan"]["text"]
    assert web_engine.names() == ["web"]


def test_a_container_that_is_no_jobs_is_left_alone(web_engine: FakeEngine) -> None:
    web_engine.add_image("job:1", behaviour="exit:0")
    result = run(web_engine, name="web")
    assert "there is a container web that is not a job" in result["msg"]
    assert web_engine.container("web")["State"]["Running"]
