"""`make demo-clean` gives /dev/kvm back to whom it belonged to, whatever that is called here."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.lab.playbook import PLAIN, run_playbook

TASKS = Path(__file__).resolve().parents[2] / "playbooks" / "demo" / "tasks"
# No group has this number: in a container, the device's may have a name on the host alone.
NOBODYS = 64993


def owners(device: Path) -> tuple[int, int, int]:
    about = device.stat()
    return about.st_uid, about.st_gid, about.st_mode & 0o777


def noted(device: Path) -> str:
    """Return what the demonstration notes of the device before it begins."""
    (line,) = re.findall(r"^ *(stat .*) /dev/kvm ", (TASKS / "record.yml").read_text(), re.M)
    command = f"{line} '{device}'"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another group")
def test_a_device_gets_its_owners_back(tmp_path: Path) -> None:
    device = tmp_path / "kvm"
    device.touch()
    os.chown(device, 0, NOBODYS)
    device.chmod(0o600)
    before = owners(device)
    note = noted(device)
    os.chown(device, 0, 0)
    device.chmod(0o660)
    text = (TASKS / "stop_libvirt.yml").read_text().replace("/dev/kvm", str(device))
    tasks = [task for task in yaml.safe_load(text) if "ansible.builtin.file" in task]
    variables = {
        "ansible_python_interpreter": "/usr/bin/python3",
        "demo_before": {"there": ["libvirt", note]},
    }
    play = {"hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": tasks}
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play]))
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "ANSIBLE_CONFIG": str(PLAIN)}
    arguments = ["-i", "localhost,", "-c", "local", str(tmp_path / "play.yml")]
    done = run_playbook(arguments, tmp_path, environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert owners(device) == before
