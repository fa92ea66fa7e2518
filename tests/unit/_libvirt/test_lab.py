"""The hypervisor of the tests: what counts as one that runs already."""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.lab import hypervisor


def test_a_process_of_that_name_elsewhere_is_no_libvirt_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = tmp_path / "libvirtd"
    shutil.copy("/bin/cat", stranger)
    sockets = {name: str(tmp_path / f"{name}-sock") for name in hypervisor.SOCKETS}
    monkeypatch.setattr(hypervisor, "SOCKETS", sockets)
    monkeypatch.setattr(hypervisor, "_open_device", lambda: None)
    monkeypatch.setattr(hypervisor, "_answers", lambda: True)
    monkeypatch.setattr(hypervisor, "note_process", lambda pid: None)
    monkeypatch.setattr(Path, "read_text", lambda path: "1")
    begun = []

    def begin(words: list[str], **_options: object) -> None:
        begun.append(words[0])

    with subprocess.Popen([str(stranger)], stdin=subprocess.PIPE) as process:
        monkeypatch.setattr(hypervisor.subprocess, "run", begin)
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(sockets["virtlogd"])
            listening.listen()
            hypervisor._start()
        process.communicate()
    # Its socket was left by one that has died: nobody takes connections there.
    begun_again = len(begun)
    hypervisor._start()
    assert begun[:begun_again] == ["libvirtd"]
    assert begun[begun_again:] == ["virtlogd", "libvirtd"]
