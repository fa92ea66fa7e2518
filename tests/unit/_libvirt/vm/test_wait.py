"""What the rung `ssh` makes of what ssh says."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.vm import wait

ADDRESS = "192.0.2.7"


@pytest.mark.parametrize(
    ("script", "done", "seen"),
    [
        (
            f"echo 'nobody@{ADDRESS}: Permission denied (publickey).' >&2; exit 255",
            True,
            f"{ADDRESS} answers with the expected host key",
        ),
        (
            "echo 'Host key verification failed.' >&2; exit 255",
            False,
            f"{ADDRESS} answers with another host key",
        ),
        (
            f"echo 'ssh: connect to host {ADDRESS} port 22: Connection refused' >&2; exit 255",
            False,
            f"ssh: connect to host {ADDRESS} port 22: Connection refused",
        ),
        ("exec sleep 60", False, f"{ADDRESS} accepts a connection, but then sends nothing"),
    ],
)
def test_what_ssh_says(
    script: str, done: bool, seen: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "ssh"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(wait, "_SSH_PATIENCE", 1 if "sleep" in script else 60)
    assert wait._try_ssh(ADDRESS, "web01", "/dev/null") == (done, seen)
