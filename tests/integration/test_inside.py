"""exec, copy and logs on a real engine, by both front ends."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.amounts import ways
from tests.lab.boxes import docker
from tests.lab.playing import Play

PROGRAM = "echo starting; echo careful >&2; echo listening on 80; exec sleep 1d"
EXEC, COPY, LOGS = (f"dockyard.fleet.{name}" for name in ("exec", "copy", "logs"))


@pytest.fixture
def name() -> Iterator[str]:
    made = f"fleet-inside-{uuid.uuid4().hex[:8]}"
    docker("run", "-d", "--init", "--name", made, "dev/busybox:1", "sh", "-c", PROGRAM)
    try:
        yield made
    finally:
        docker("rm", "-f", made)


def files(folder: Path) -> bytes:
    """Make a tree beside the playbook; return what is in its large file."""
    (folder / "tree" / "sub").mkdir(parents=True)
    (folder / "tree" / "run.sh").write_text("#!/bin/sh\necho it runs\n")
    (folder / "tree" / "run.sh").chmod(0o755)
    (folder / "tree" / "link").symlink_to("run.sh")
    big = os.urandom(3 << 20)
    (folder / "tree" / "sub" / "big").write_bytes(big)
    return big


@pytest.mark.parametrize("via", ways())
def test_files_commands_and_output(via: str, name: str, tmp_path: Path) -> None:
    big = files(tmp_path)
    box = {"container": name, "engine_via": via}
    tree = {COPY: {**box, "src": "tree", "dest": "/opt/a/tree", "owner": "33", "group": "7"}}
    text = {COPY: {**box, "content": "one\n", "dest": "/etc/app.conf", "mode": "0640"}}
    other = {COPY: {**text[COPY], "content": "two\n"}}
    out = {COPY: {**box, "src": "/opt/a/tree", "dest": "out/", "fetch": True}}
    script = ["sh", "-c", "cat; stat -c '%a %u %g' /etc/app.conf; ls -ln /opt/a; exit 3"]
    results = Play(tmp_path).run(
        {**tree, "check_mode": True},
        tree,
        tree,
        text,
        {**other, "check_mode": True, "diff": True},
        other,
        {EXEC: {**box, "command": "/opt/a/tree/link"}},
        {EXEC: {**box, "command": script, "stdin": "fed"}, "failed_when": "it.rc != 3"},
        {EXEC: {**box, "command": "false"}},
        {EXEC: {**box, "command": "touch /etc/done", "creates": "/etc/done"}},
        {EXEC: {**box, "command": "touch /etc/done", "creates": "/etc/done"}},
        {EXEC: {**box, "command": "false"}, "check_mode": True},
        {LOGS: {**box, "wait_for": "^listening", "wait_timeout": "20s"}},
        out,
        out,
    )
    assert [one.get("failed", False) for one in results] == [False] * 8 + [True] + [False] * 6
    changed = [one["changed"] for one in results]
    assert changed == [
        *(True, True, False),
        *(True, True, True),
        *(True, True, True, True, False, False),
        False,
        *(True, False),
    ], changed
    assert results[0]["plan"]["text"] == results[1]["plan"]["text"]
    assert (results[4]["diff"][1]["before"], results[4]["diff"][1]["after"]) == ("one\n", "two\n")
    assert results[6]["stdout"] == "it runs"
    fed, mode, _total, listed = results[7]["stdout_lines"]
    assert (fed, mode) == ("fed", "640 0 0")
    assert listed.split()[2:4] == ["33", "7"]
    assert results[8]["msg"] == f"exec/{name}: the command exited with code 1; it wrote nothing"
    assert results[11]["skipped"] is True
    assert results[12]["matched"] == "listening on 80"
    fetched = tmp_path / "out" / "tree"
    assert (fetched / "sub" / "big").read_bytes() == big
    assert os.readlink(fetched / "link") == "run.sh"
    assert (fetched / "run.sh").stat().st_mode & 0o777 == 0o755


def test_a_container_that_does_not_run_takes_files_and_no_commands(
    name: str, tmp_path: Path
) -> None:
    """The module on the target is the front end from which a secret could get away."""
    docker("kill", name)
    box = {"container": name, "engine_via": "target"}
    canary = f"canary-{uuid.uuid4().hex}"
    (tmp_path / "secrets.yml").write_text(json.dumps({"canary": canary}))
    secret: dict[str, Any] = {
        COPY: {**box, "secret_content": "{{ canary }}", "dest": "/etc/token", "mode": "0400"}
    }
    play = Play(tmp_path)
    options = ("-vvvv", "--diff", "-e", "@secrets.yml")
    hidden = {"TOKEN": "{{ canary }}"}
    first, again, refused = play.run(
        secret,
        secret,
        {EXEC: {**box, "command": "env", "secret_environment": hidden}},
        options=options,
    )
    assert (first["changed"], again["changed"]) == (True, False)
    assert refused["msg"] == (
        f"container/{name}: is not running; a command needs a running container; start it first"
    )
    docker("start", name)
    (shown,) = play.run(
        {EXEC: {**box, "command": ["sh", "-c", "cat /etc/token; env"], "secret_env": hidden}},
        options=options,
    )
    assert (shown["rc"], "TOKEN=********" in shown["stdout"]) == (0, True)
    assert canary not in play.output
    assert docker("exec", name, "cat", "/etc/token") == canary
