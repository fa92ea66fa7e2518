"""What others do to a machine's disks and addresses meanwhile, on the real libvirt."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.lab.hostcore import run
from tests.lab.hypervisor import POOL, URI, virsh

ONE, OTHER = "dockyard-meanwhile-1", "dockyard-meanwhile-2"
# Without a system.
MACHINE = {"memory": "32MiB", "disks": [{"size": "16MiB"}], "stop_grace_period": "0s"}


@pytest.fixture(autouse=True)
def _nothing_left(hypervisor: None) -> Iterator[None]:
    yield
    for name in (ONE, OTHER):
        gone = {"name": name, "state": "absent", "delete_disks": True, "stop_grace_period": "0s"}
        assert not run(gone, URI).result.get("failed")


def test_a_deleted_disk_is_refused_under_a_running_machine_and_else_made_with_a_warning() -> None:
    task = {"name": ONE, **MACHINE}
    disk = Path(POOL) / f"{ONE}-root.qcow2"
    assert run(task, URI).result["created"] is True
    disk.unlink()
    refused = run(task, URI).result["msg"]
    assert "only the running machine still has what it holds" in refused
    assert not disk.exists()
    run({"name": ONE, "state": "stopped", "stop_grace_period": "0s"}, URI)
    made = run(task, URI).result
    assert "the new one is empty" in made["warnings"][0]
    assert (made["vm"]["state"], disk.exists()) == ("running", True)
    again = run(task, URI).result
    assert (again["changed"], "warnings" in again) == (False, False)


def test_of_two_that_reserve_one_address_at_once_one_is_told_the_option() -> None:
    network = ET.fromstring(virsh("net-dumpxml", "default").stdout).find("ip")
    assert network is not None
    address = str(network.get("address")).rpartition(".")[0] + ".249"
    tasks = [{"name": name, **MACHINE, "networks": [{"address": address}]} for name in (ONE, OTHER)]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        ended = [end.result for end in pool.map(lambda task: run(task, URI), tasks)]
    lost = [result["msg"] for result in ended if result.get("failed")]
    assert len(lost) == 1
    assert lost[0].startswith(f"networks[0].address: {address} is reserved for dockyard-meanwhile-")
