"""What a container has written, and waiting for a line of it."""

from __future__ import annotations

import threading
import time
from typing import Any, Dict

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.info.logs import LOGS

from tests.lab.fake_engine import FakeEngine
from tests.lab.tasks import do


def logs(web_engine: FakeEngine, **params: Any) -> Dict[str, Any]:
    return do(LOGS, web_engine.socket_path, **{"container": "web", **params})


def test_both_streams_are_told_apart(web_engine: FakeEngine) -> None:
    web_engine.log("web", "one", "two")
    web_engine.log("web", "oops", stream=2)
    result = logs(web_engine)
    assert (result["changed"], result["stdout"]) == (False, "one\ntwo")  # as exec and run
    assert logs(web_engine, strip_empty_ends=False)["stdout"] == "one\ntwo\n"
    assert (result["stdout_lines"], result["stderr_lines"]) == (["one", "two"], ["oops"])
    assert logs(web_engine, streams=["stdout"])["stderr"] == ""
    assert logs(web_engine, tail="1")["stdout"] == ""
    assert logs(web_engine, tail="1", streams=["stdout"])["stdout_lines"] == ["two"]
    kept = logs(web_engine, tail="1", streams=["stdout"], strip_empty_ends=False)
    assert kept["stdout"] == "two\n"
    assert logs(web_engine, tail="0", streams=["stdout"])["stdout"] == ""
    assert web_engine.writes == []


def test_times_are_asked_for_in_seconds(web_engine: FakeEngine) -> None:
    logs(web_engine, since="2026-03-01T12:00:00.123456789Z", until="2026-03-01 13:00:00+01:00")
    query = web_engine.calls[-1].query
    assert (query["since"], query["until"]) == ("1772366400.123456", "1772366400.000000")
    logs(web_engine, since="90s", timestamps=True)
    query = web_engine.calls[-1].query
    assert 85 < time.time() - float(query["since"]) < 100
    assert query["timestamps"] == "1"
    logs(web_engine, since="1700000000")
    assert web_engine.calls[-1].query["since"] == "1700000000"


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"tail": "ten"}, "tail: 'ten' is no number of lines; or write all"),
        ({"streams": []}, "streams: is empty; name stdout, stderr or both"),
        ({"since": "noon"}, "since: 'noon' is neither a duration nor a time; write a duration"),
        ({"wait_for": "("}, "wait_for: '(': missing ), unterminated subpattern at position 0"),
        ({"wait_for": "a", "until": "1m"}, "until: cannot be combined with wait_for"),
        ({"wait_for": "a", "wait_timeout": "9"}, "wait_timeout: '9' is not a duration"),
        ({"container": "none"}, "container: there is no container none; create it first"),
    ],
)
def test_bad_options_are_named(
    web_engine: FakeEngine, params: Dict[str, Any], message: str
) -> None:
    result = logs(web_engine, **params)
    assert result["failed"] is True
    assert result["msg"].startswith(message)


def test_a_line_that_is_there_already_ends_the_wait(web_engine: FakeEngine) -> None:
    web_engine.log("web", "starting", "listening on 80", "more")
    assert logs(web_engine, wait_for="on [0-9]+$")["matched"] == "listening on 80"
    web_engine.log("web", "of a terminal\r")
    assert logs(web_engine, wait_for="^of a terminal$")["matched"] == "of a terminal"


def test_a_line_of_a_terminal_ends_before_its_carriage_return(web_engine: FakeEngine) -> None:
    with Client(unix_dial(web_engine.socket_path), 5) as client:
        client.post("/containers/create", {"name": "terminal"}, {"Image": "app:1", "Tty": True})
        client.post("/containers/terminal/start")
    web_engine.log("terminal", "a", "b")
    assert (
        logs(web_engine, container="terminal", wait_for="^b$", wait_timeout="10s")["matched"] == "b"
    )


def test_a_line_still_to_come_is_waited_for(web_engine: FakeEngine) -> None:
    web_engine.log("web", "starting")
    timer = threading.Timer(0.2, web_engine.log, ("web", "ready"), {"stream": 2})
    timer.start()
    result = logs(web_engine, wait_for="ready", wait_timeout="10s")
    timer.join()
    assert result["matched"] == "ready"
    assert result["stderr_lines"] == ["ready"]


def test_a_container_that_ends_ends_the_wait_at_once(web_engine: FakeEngine) -> None:
    web_engine.log("web", "no configuration")
    timer = threading.Timer(0.2, web_engine.die, ("web", 7))
    timer.start()
    begun = time.monotonic()
    result = logs(web_engine, wait_for="ready", wait_timeout="60s")
    timer.join()
    assert time.monotonic() - begun < 30
    assert result["msg"] == (
        "container/web: the container exited with code 7 before a line matched 'ready';"
        " its last words: no configuration"
    )
    assert result["stdout_lines"] == ["no configuration"]


def test_a_wait_in_vain_shows_what_was_said_instead(web_engine: FakeEngine) -> None:
    web_engine.log("web", "still warming up")
    result = logs(web_engine, wait_for="ready", wait_timeout="1s")
    assert result["msg"] == (
        "container/web: no line matched 'ready' within 1s; its last words: still warming up"
    )


def test_a_container_still_to_come_has_said_nothing(web_engine: FakeEngine) -> None:
    pending = {"container/new": "does not exist", "container/web": "image changed"}
    result = logs(web_engine, container="new", pending=pending)
    assert (result["changed"], result["stdout_lines"]) == (False, [])
    assert "matched" not in logs(web_engine, wait_for="ready", pending=pending)


def test_a_refusal_of_the_engine_says_whose_log_it_is(web_engine: FakeEngine) -> None:
    web_engine.faults.reset(counted="all")
    web_engine.faults.at(3, "500")
    assert logs(web_engine)["msg"].startswith("container/web: ")
