"""What was read of a host for machines: from lines, and by the role's own script."""

from __future__ import annotations

import base64
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.dockyard.fleet.plugins.filter.kvm_reading import FilterModule, kvm_reading

ROLE = Path(__file__).parents[3] / "roles" / "kvm_host"
# What virsh says of a network and a pool, by its first words behind the options.
VIRSH = """
shift 3
case "$*" in
  uri) echo qemu:///system ;;
  'net-dumpxml --inactive lan') printf '<network>\\n<name>lan</name>\\n</network>\\n' ;;
  'net-info lan') printf 'Name: lan\\nActive: yes\\n' ;;
  'net-list --name --autostart') printf ' lan\\n other\\n\\n' ;;
  *) exit 1 ;;
esac
"""


def read(folder: Path, programs: dict[str, str], conf: str | None = None) -> dict[str, Any]:
    """Run what the role runs on the host, with other programs before those of this machine."""
    script = yaml.safe_load((ROLE / "tasks/read.yml").read_text())[0]["ansible.builtin.shell"]
    script = re.sub(r"\{\{ \(kvm_host_packages .*? \}\}", "iproute2", script)
    script = script.replace("{{ __kvm_host_qemu_conf }}", str(folder / "qemu.conf"))
    script = script.replace(
        "{{ __kvm_host_virsh | join(' ') }}", "virsh --quiet --connect qemu:///system"
    )
    assert "{{" not in script
    for name, lines in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{lines}\n")
        (folder / name).chmod(0o755)
    if conf is not None:
        (folder / "qemu.conf").write_text(conf)
    variables = {"PATH": f"{folder}:{os.environ['PATH']}", "NETWORK": "lan", "POOL": "disks"}
    done = subprocess.run(
        ["sh", "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **variables},
    )
    return kvm_reading(done.stdout.rstrip("\r\n"))


def test_all_of_a_host_is_read_at_once(tmp_path: Path) -> None:
    programs = {
        "id": "echo 0",
        "virsh": VIRSH,
        "dpkg-query": "printf 'package\\tinstalled iproute2 6.1\\n'; exit 1",
        "getent": "echo kvm:x:104:",
        "ip": "echo '[]'",
    }
    seen = read(tmp_path, programs, "# a comment\n cgroup_controllers = [ ]\n")
    assert (seen["user"], seen["packages"]) == ("0", ["installed iproute2 6.1"])
    assert (seen["kvm"], seen["conf"], seen["answers"]) == (True, "set", True)
    assert seen["network_xml"].strip() == "<network>\n<name>lan</name>\n</network>"
    assert "Active: yes" in seen["network_info"]
    assert (seen["networks"], seen["pools"]) == (["lan", "other"], [])
    # Nothing is told of a pool that is not there.
    assert (seen["pool_xml"].strip(), seen["pool_info"].strip()) == ("", "")
    assert seen["routes"].strip() == "[]"
    assert seen["architecture"] == os.uname().machine


def test_a_host_without_any_of_it(tmp_path: Path) -> None:
    programs = dict.fromkeys(("virsh", "dpkg-query", "getent", "ip"), "exit 127")
    seen = read(tmp_path, {**programs, "id": "echo 0"})
    assert (seen["packages"], seen["kvm"], seen["conf"]) == ([], False, "absent")
    assert (seen["answers"], seen["networks"], seen["network_xml"]) == (False, [], "")


def test_another_user_than_root_does_not_ask_libvirt(tmp_path: Path) -> None:
    seen = read(tmp_path, {"virsh": f"touch {tmp_path}/asked", "id": "echo 1000"}, "")
    assert (seen["user"], seen["answers"], seen["conf"]) == ("1000", False, "unset")
    assert not (tmp_path / "asked").exists()


@pytest.mark.parametrize(
    ("line", "device", "closed"),
    [
        ("root 0 kvm 104 660", "root:kvm 0660", False),
        ("root 0 kvm 104 640", "root:kvm 0640", True),
        ("root 0 root 0 660", "root:root 0660", True),
        ("root 0 root 0 666", "root:root 0666", False),
        ("root 0 UNKNOWN 232 600", "root:232 0600", True),
        ("", "", False),
        ("nonsense", "", False),
    ],
)
def test_the_device(line: str, device: str, closed: bool) -> None:
    seen = kvm_reading(f"device\t{line}")
    assert (seen["device"], seen["closed"]) == (device, closed)


@pytest.mark.parametrize(
    ("units", "supervised"),
    [
        ("active active enabled enabled enabled", True),
        ("active inactive enabled enabled enabled", False),
        ("active active enabled enabled disabled", False),
        ("active active enabled indirect enabled", False),
        ("", False),
    ],
)
def test_what_systemd_has(units: str, supervised: bool) -> None:
    assert kvm_reading(f"units\t{units}")["supervised"] is supervised


def test_nothing_is_made_of_what_says_nothing() -> None:
    seen = kvm_reading("network-xml\t!\nuser\ninit\tupstart\n\n\tx")
    assert (seen["network_xml"], seen["user"], seen["init"]) == ("", "", "direct")
    assert (seen["distribution"], seen["answers"]) == ("the host", False)


def test_the_network_of_the_reading() -> None:
    names = base64.b64encode(b" default\n\n").decode()
    assert kvm_reading(f"libvirt\t\nnetworks\t{names}")["networks"] == ["default"]


def test_every_package_that_the_role_may_want_is_asked_for() -> None:
    """One that is left out would be installed anew in every run."""
    known = yaml.safe_load((ROLE / "vars/main.yml").read_text())["__kvm_host_known_packages"]
    for name in ("Debian", "Ubuntu"):
        text = yaml.safe_load((ROLE / f"vars/{name}.yml").read_text())["__kvm_host_packages"]
        wanted = set(re.findall(r"'([a-z0-9-]+)'", text)) - {"sysv"}
        assert "qemu-system-x86" in wanted
        assert wanted <= {*known}


def test_ansible_finds_the_filter() -> None:
    assert FilterModule().filters() == {"kvm_reading": kvm_reading}
