"""Jobs on a real engine, by both front ends."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.run.resource import JOB

from tests.lab.amounts import ways
from tests.lab.boxes import SOCKET, docker
from tests.lab.playing import Play
from tests.lab.tasks import do

IMAGE = "dev/busybox:1"
RUN = "dockyard.fleet.run"
SHELL = ["sh", "-c"]


@pytest.fixture
def name(engine: None) -> Iterator[str]:
    made = f"fleet-run-{uuid.uuid4().hex[:8]}"
    yield made
    left = docker("ps", "-aq", "--filter", f"name={made}").split()
    if left:
        docker("rm", "-f", "-v", *left)
    assert not left, docker("ps", "-a")


def job(name: str, script: str, **params: Any) -> dict[str, Any]:
    return do(JOB, SOCKET, name=name, image=IMAGE, command=[*SHELL, script], **params)


def test_what_a_job_says_and_how_it_ends(name: str) -> None:
    text = "x" * 79 + "\n"
    done = job(
        name, "cat; echo $TOKEN >&2", stdin=text * 2000, secret_environment={"TOKEN": "hush"}
    )
    assert (done["rc"], done["stderr"], done["stdout"]) == (0, "********", (text * 2000).rstrip())
    quiet = job(name, "exec >&- 2>&-; sleep 0.5; exit 4")
    assert (quiet["rc"], quiet["msg"]) == (
        4,
        f"container/{name}: the job exited with code 4; it wrote nothing",
    )
    full = job(name, "x=a; while :; do x=$x$x; done", mem_limit="16m")
    assert (full["rc"], full["oom_killed"]) == (137, True)
    slow = job(name, "trap : TERM; echo begun; sleep 60 & wait; echo over", wait_timeout="1s")
    assert (slow["rc"], slow["stdout"]) == (None, "begun\nover")
    assert "did not end within 1s" in slow["msg"]
    terminal = job(name, "tty; echo err >&2", tty=True)
    assert (terminal["stdout_lines"], terminal["stderr"]) == (["/dev/pts/0", "err"], "")


def test_a_job_that_goes_on_is_awaited_with_all_that_it_said(name: str) -> None:
    # The second time it goes on for long enough to be found.
    script = "echo begun; test ! -e /again || sleep 3; touch /again; echo ended"
    first = job(name, script, cleanup=False)
    assert first["stdout_lines"] == ["begun", "ended"]
    # As a killed run leaves it: the same container, running, and nobody waits for it.
    docker("start", name)
    again = job(name, script)
    assert again["rc"] == 0, again
    assert again["stdout_lines"] == ["begun", "ended", "begun", "ended"]
    assert again["plan"]["steps"][0]["cause"] == "an earlier run of this job is still going on"


@pytest.mark.parametrize("via", ways())
def test_jobs_in_a_playbook(via: str, name: str, tmp_path: Path) -> None:
    canary = f"canary-{uuid.uuid4().hex}"
    (tmp_path / "secrets.yml").write_text(json.dumps({"canary": canary}))
    (tmp_path / "job.env").write_text(f"FROM_FILE={canary[::-1]}\n")
    box = {"name": name, "image": IMAGE, "engine_via": via}
    secret = {
        "secret_environment": {"TOKEN": "{{ canary }}"},
        "env_file": "job.env",
        "command": [*SHELL, "echo $TOKEN $FROM_FILE"],
    }
    play = Play(tmp_path)
    check, done, failed, other = play.run(
        {RUN: {**box, **secret}, "check_mode": True},
        {RUN: {**box, **secret}},
        {RUN: {**box, "command": "false"}},
        {RUN: {**box, "command": [*SHELL, "exit 3"]}, "failed_when": "it.rc != 3"},
        options=("-vvvv", "--diff", "-e", "@secrets.yml"),
    )
    assert check["changed"] is True
    assert check["plan"]["text"] == done["plan"]["text"]
    assert (done["rc"], done["stdout"]) == (0, "******** ********")
    assert (failed["failed"], failed["rc"]) == (True, 1)
    assert (other["failed"], other["rc"]) == (False, 3)
    assert canary not in play.output
    assert canary[::-1] not in play.output
