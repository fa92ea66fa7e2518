"""Machines on the real libvirt that others paused, saved, undefined or edited, and hostile leases.

They have no operating system.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.hostcore import run
from tests.lab.hypervisor import URI, virsh

NAME = "dockyard-states"
SMALL = {"name": NAME, "memory": "32MiB", "stop_grace_period": "0s"}
MAC = "52:54:00:d0:c1:01"
BRIDGE = "vdockstates"
NETWORK = f"""<network><name>{NAME}</name><bridge name='{BRIDGE}'/>
<ip address='10.213.77.1' netmask='255.255.255.0'>
<dhcp><range start='10.213.77.10' end='10.213.77.99'/></dhcp></ip></network>"""
# Where libvirt's helper of dnsmasq writes leases, by bridge.
LEASES = Path(f"/var/lib/libvirt/dnsmasq/{BRIDGE}.status")
LATER = 4_000_000_000


def ask(*words: str) -> str:
    done = virsh(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def ran(**params: Any) -> dict[str, Any]:
    result = run({**SMALL, **params}, URI).result
    assert not result.get("failed"), result.get("msg")
    return result


@pytest.fixture
def machine() -> Iterator[None]:
    ran(disks=[{"size": "1MiB"}])
    yield
    run({**SMALL, "state": "absent", "delete_disks": True}, URI)


@pytest.mark.usefixtures("machine")
def test_what_others_do_to_its_run_is_seen(tmp_path: Path) -> None:
    task = {"disks": [{"size": "1MiB"}]}
    ask("suspend", NAME)
    assert (ran(**task)["changed"], ran(**task)["changed"]) == (True, False)
    assert ask("domstate", NAME).strip() == "running"
    ask("undefine", NAME)
    assert ran(**task)["changed"] is True
    assert "Persistent:     yes" in ask("dominfo", NAME)
    assert ran(**task)["changed"] is False
    ask("managedsave", NAME)
    larger = {"memory": "48MiB", "disks": [{"size": "2MiB"}, {"name": "data", "size": "1MiB"}]}
    restored = ran(**larger)
    assert restored["restart_required"] is True
    assert "Max memory:     32768 KiB" in ask("dominfo", NAME)
    assert f"{NAME}-data.qcow2" in ask("domblklist", NAME)
    again = ran(**larger)
    assert (again["changed"], again["restart_required"]) == (False, True)
    kept = tmp_path / "memory"
    ask("save", NAME, str(kept))
    refused = run({**SMALL, **larger}, URI).result
    assert "its memory was saved into a file (virsh save)" in refused["msg"]
    ask("restore", str(kept))
    assert ran(**larger)["changed"] is False


@pytest.mark.usefixtures("machine")
def test_what_others_write_into_it_is_put_right(tmp_path: Path) -> None:
    task = {"disks": [{"size": "1MiB"}], "networks": ["default"], "vcpus": 2, "state": "stopped"}
    ran(**task)
    edited = ask("dumpxml", NAME, "--inactive")
    for old, new in (
        ("interface type='network'", "interface type='bridge'"),
        ("source network='default'", "source bridge='virbr0'"),
        ("<vcpu placement='static'>2<", "<vcpu placement='static' current='1'>2<"),
        (
            "<cpu mode='maximum'",
            "<cpu mode='host-model'><topology sockets='1' cores='2' threads='1'/></cpu><!--",
        ),
    ):
        assert old in edited
        edited = edited.replace(old, new)
    head, _mark, tail = edited.partition("<!--")
    document = tmp_path / "edited.xml"
    document.write_text(head + tail.partition("/>")[2])
    ask("define", str(document))
    assert (ran(**task)["changed"], ran(**task)["changed"]) == (True, False)
    put_right = ask("dumpxml", NAME, "--inactive")
    assert "<source network='default'/>" in put_right
    assert "current='1'" not in put_right
    assert ran(**{**task, "vcpus": 4})["changed"] is True
    assert "sockets='2'" in ask("dumpxml", NAME, "--inactive")
    refused = run({**SMALL, **task, "vcpus": 5}, URI).result
    assert refused["msg"].startswith("vcpus: 5 does not fit the CPU topology of the machine")


@pytest.fixture
def network(tmp_path: Path) -> Iterator[str]:
    document = tmp_path / "network.xml"
    document.write_text(NETWORK)
    ask("net-define", str(document))
    try:
        ask("net-start", NAME)
        yield NAME
    finally:
        for command in ("net-destroy", "net-undefine"):
            subprocess.run(["virsh", "-q", "-c", URI, command, NAME], check=False)
        LEASES.unlink(missing_ok=True)


def lease(address: str, ends: int = LATER) -> dict[str, Any]:
    return {"ip-address": address, "mac-address": MAC, "hostname": "\x1b[2J", "expiry-time": ends}


def test_a_lease_that_is_no_address_reaches_nobody(network: str) -> None:
    task = {"networks": [{"network": network, "mac": MAC}]}
    try:
        ran(**task)
        for hostile in ("-oProxyCommand=id", "8.8.8.8", "10.213.77.1"):
            LEASES.write_text(json.dumps([lease(hostile)]))
            assert hostile in ask("net-dhcp-leases", network)
            assert ran(**task)["vm"]["addresses"] == []
        both = [lease("10.213.77.20"), lease("10.213.77.21", LATER + 1), lease("-oProxyCommand=id")]
        LEASES.write_text(json.dumps(both))
        assert ran(**task)["vm"]["addresses"] == ["10.213.77.21", "10.213.77.20"]
    finally:
        run({**SMALL, "state": "absent"}, URI)
