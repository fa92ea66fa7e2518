"""Type, processor, boot order and screen of machines on the real libvirt, as QEMU gets them.

The machines have no operating system.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.lab.hostcore import run
from tests.lab.hypervisor import URI, virsh

NAME = "dockyard-platform"
SMALL = {"name": NAME, "memory": "32MiB", "stop_grace_period": "0s"}
OWN = {
    "title": "Web & shop",
    "description": "One line\n<another>",
    "osinfo": "debian12",
    "machine": "q35",
    "cpu": {"mode": "maximum", "features": ["-svm"]},
    "boot": ["network", "disk"],
}


def ran(**params: Any) -> dict[str, Any]:
    result = run({**SMALL, **params}, URI).result
    assert not result.get("failed"), result.get("msg")
    return result


def document(*options: str) -> ET.Element:
    done = virsh("dumpxml", NAME, *options)
    assert done.returncode == 0, done.stderr
    return ET.fromstring(done.stdout)


def arguments() -> str:
    """Return the arguments of the machine's QEMU."""
    pid = Path(f"/run/libvirt/qemu/{NAME}.pid").read_text().strip()
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")


@pytest.fixture(autouse=True)
def removed() -> Iterator[None]:
    yield
    run({**SMALL, "state": "absent", "delete_disks": True}, URI)


def test_a_platform_of_ones_own_reaches_qemu_and_stays() -> None:
    assert ran(**OWN)["changed"] is True
    assert ran(**OWN)["changed"] is False
    root = document()
    assert root.findtext("title") == "Web & shop"
    assert root.findtext("description") == "One line\n<another>"
    osinfo = {"libosinfo": "http://libosinfo.org/xmlns/libvirt/domain/1.0"}
    found = root.find("metadata/libosinfo:libosinfo/libosinfo:os", osinfo)
    assert found is not None
    assert found.get("id") == "http://debian.org/debian/12"
    assert re.search(r"-cpu max,svm=off ", arguments())
    assert [entry.get("dev") for entry in root.findall("os/boot")] == ["network", "hd"]


def outcome(**params: Any) -> tuple[bool, bool]:
    """Return whether a run changes something, and whether something waits for a restart."""
    result = ran(**params)
    return result["changed"], bool(result.get("restart_required"))


def test_another_processor_comes_with_a_restart_and_the_usual_one_after_it() -> None:
    ran(**OWN)
    restart = ["live", "restart"]
    other = {**OWN, "cpu": {"model": "Nehalem", "features": {"vme": "require"}}}
    assert outcome(**other) == (True, True)
    assert outcome(**other) == (False, True)
    assert outcome(**other, allow=restart) == (True, False)
    assert "-cpu Nehalem" in arguments()
    assert outcome(**other, allow=restart) == (False, False)
    usual = {key: value for key, value in OWN.items() if key != "cpu"}
    assert outcome(**usual, allow=restart) == (True, False)
    assert "-cpu max " in arguments()


def test_the_hosts_model_is_no_change_where_it_runs_under_another_name() -> None:
    host = {**OWN, "cpu": "host-model"}
    ran(**host)
    assert "host-model" not in ET.tostring(document(), encoding="unicode")
    assert outcome(**host) == (False, False)
    assert outcome(**{**OWN, "cpu": {"model": "Nehalem"}}) == (True, True)
    assert ran(**host)["changed"] is True
    assert outcome(**host) == (False, False)


def test_a_screen_answers_on_the_hosts_loopback_alone_and_goes_again() -> None:
    seen = {"graphics": {"type": "vnc", "port": 5987}}
    assert outcome(**seen) == (True, False)
    assert outcome(**seen) == (False, False)
    with socket.create_connection(("127.0.0.1", 5987), 10) as client:
        assert client.recv(4) == b"RFB "  # RFC 6143, 7.1.1
    assert "virtio-vga" in arguments()
    restart = ["live", "restart"]
    assert outcome(graphics="vnc", video="vga", allow=restart) == (True, False)
    assert outcome(graphics="vnc", video="vga", allow=restart) == (False, False)
    assert '-device {"driver":"VGA"' in arguments()
    assert outcome(allow=restart) == (True, False)
    assert outcome(allow=restart) == (False, False)
    assert "-vnc" not in arguments()
    assert document().find("devices/graphics") is None


def test_uefi_starts_and_goes_with_its_variables() -> None:
    uefi = {"firmware": "uefi"}
    assert outcome(**uefi) == (True, False)
    assert outcome(**uefi) == (False, False)
    nvram = Path(f"/var/lib/libvirt/qemu/nvram/{NAME}_VARS.fd")
    assert nvram.exists()
    assert "OVMF_CODE" in arguments()
    assert "secboot" not in arguments()
    run({**SMALL, **uefi, "state": "absent"}, URI)
    assert not nvram.exists()
