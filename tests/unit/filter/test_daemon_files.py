"""What was read of a daemon.json: by the role's own script, from a folder."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml
from ansible_collections.dockyard.fleet.plugins.filter.daemon_files import (
    FilterModule,
    daemon_files,
)

TASKS = Path(__file__).parents[3] / "roles" / "container_runtime" / "tasks" / "read.yml"


def read(folder: Path) -> list[str]:
    """Run what the role runs on the host for its files; return their lines as Ansible does."""
    script = yaml.safe_load(TASKS.read_text())[0]["ansible.builtin.shell"]
    script = script[script.index("for file in {{ __container_runtime_previous") :]
    script = script[: script.index("\ndone\n") + len("\ndone\n")]
    for name, file in (("previous", ".daemon.json.previous"), ("config", "daemon.json")):
        script = script.replace(f"{{{{ __container_runtime_{name} }}}}", str(folder / file))
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    return [line.removeprefix("file\t") for line in done.stdout.rstrip("\r\n").splitlines()]


def test_a_file_that_is_there(tmp_path: Path) -> None:
    config = tmp_path / "daemon.json"
    config.write_text('{"debug": true}\n')
    config.chmod(0o600)
    assert daemon_files(read(tmp_path)) == {
        "text": '{"debug": true}\n',
        "unfinished": False,
        "kind": "file",
        "mode": "0600",
        "target": str(config),
        "problem": "",
    }


def test_none(tmp_path: Path) -> None:
    found = daemon_files(read(tmp_path))
    assert (found["text"], found["kind"], found["mode"]) == ("", "absent", "0644")
    assert (found["problem"], found["unfinished"]) == ("", False)


def test_the_one_before_counts_while_a_run_is_unfinished(tmp_path: Path) -> None:
    (tmp_path / "daemon.json").write_text("{}")
    (tmp_path / ".daemon.json.previous").write_text('{"mtu": 1400}')
    found = daemon_files(read(tmp_path))
    assert (found["text"], found["unfinished"]) == ('{"mtu": 1400}', True)


@pytest.mark.parametrize(
    ("kind", "problem"),
    [
        ("other", "is no ordinary file"),
        ("large", "is larger than 1 MB"),
        ("dangling", "is a link to {}/gone, which is not there"),
    ],
)
def test_what_is_not_read_is_said(kind: str, problem: str, tmp_path: Path) -> None:
    config = tmp_path / "daemon.json"
    if kind == "other":
        config.mkdir()
    elif kind == "large":
        config.write_bytes(b" " * 1_000_001)
    else:
        config.symlink_to("gone")
    found = daemon_files(read(tmp_path))
    assert (found["kind"], found["problem"]) == (kind, problem.format(tmp_path))
    assert found["text"] == ""


def test_one_before_that_cannot_be_read_is_said() -> None:
    lines = ["closed\t0600\t/etc/docker/.daemon.json.previous", "file\t0644\t/d.json\te30="]
    assert daemon_files(lines)["problem"] == (
        "may not be what the engine runs with, and /etc/docker/.daemon.json.previous cannot be read"
    )


def test_what_is_no_utf8_is_kept_for_who_refuses_it(tmp_path: Path) -> None:
    (tmp_path / "daemon.json").write_bytes(b'{"a": "\xff"}')
    assert daemon_files(read(tmp_path))["text"] == '{"a": "\udcff"}'


def test_ansible_finds_the_filter() -> None:
    assert FilterModule().filters() == {"daemon_files": daemon_files}
