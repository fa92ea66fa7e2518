"""What people do to the files of a machine's disks, on the real libvirt."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.hostcore import run
from tests.lab.hypervisor import POOL, URI, virsh

ONE, OTHER = "dockyard-disks-1", "dockyard-disks-2"
# Without a system.
MACHINE = {"name": ONE, "memory": "32MiB", "disks": [{"size": "8MiB"}], "stop_grace_period": "0s"}
STOPPED = {**MACHINE, "state": "stopped"}
GONE = {"name": ONE, "state": "absent", "delete_disks": True, "stop_grace_period": "0s"}
ROOT = Path(POOL) / f"{ONE}-root.qcow2"


@pytest.fixture(autouse=True)
def _nothing_left(hypervisor: None) -> Iterator[None]:
    yield
    for name in (ONE, OTHER):
        virsh("destroy", name)
        virsh("undefine", name, "--snapshots-metadata", "--checkpoints-metadata")
    for path in Path(POOL).glob("dockyard-disks-*"):
        path.unlink()
    virsh("pool-refresh", "default")


def apply(task: dict[str, Any]) -> dict[str, Any]:
    result = run(task, URI).result
    assert not result.get("failed"), result["msg"]
    return result


def hand(*words: str) -> str:
    done = virsh(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def left() -> list[str]:
    return sorted(path.name for path in Path(POOL).glob("dockyard-disks-*"))


def snapshot(name: str) -> Path:
    path = Path(POOL) / f"{ONE}-root.{name}"
    where = f"vda,snapshot=external,file={path}"
    hand("snapshot-create-as", ONE, name, "--disk-only", "--diskspec", where)
    return path


def test_a_running_machine_stays_on_its_snapshots_through_changes_and_restarts() -> None:
    apply(MACHINE)
    stack = [snapshot("s1"), snapshot("s2")]
    assert apply(MACHINE)["changed"] is False
    more = {**MACHINE, "memory": "48MiB", "disks": [{"size": "16MiB"}]}
    apply({**more, "allow": ["live", "restart"]})
    assert str(stack[-1]) in hand("domblklist", ONE)
    assert apply(more)["changed"] is False
    assert apply(more)["vm"]["disks"]["root"]["size"] == 16 << 20
    hand("blockcommit", ONE, "vda", "--active", "--pivot", "--wait")
    assert apply(more)["changed"] is False
    apply({"name": ONE, "state": "stopped", "stop_grace_period": "0s"})
    assert apply({**more, "state": "stopped"})["changed"] is False
    # Left behind by the commit, and worth nothing: but who knows?
    assert f"used by the disk {stack[0]}" in run(GONE, URI).result["msg"]
    for path in stack:
        path.unlink()
    snapshot("s3")
    assert apply({**more, "state": "stopped"})["changed"] is False
    apply(GONE)
    assert left() == []


def test_a_disk_that_was_copied_elsewhere_is_the_same_disk() -> None:
    apply(MACHINE)
    copy = Path(POOL) / f"{ONE}-copy"
    hand("blockcopy", ONE, "vda", str(copy), "--transient-job", "--wait", "--pivot")
    assert apply(MACHINE)["changed"] is False
    apply({**MACHINE, "disks": [{"size": "16MiB"}]})
    assert "16777216" in hand("domblkinfo", ONE, "vda")
    apply({"name": ONE, "state": "stopped", "stop_grace_period": "0s"})
    apply({**STOPPED, "disks": [{"size": "24MiB"}]})
    # Made by others: it stays, and the plan says so.
    assert apply(GONE)["plan"]["steps"][0]["cause"] == f"state: absent, disks stay: {copy.name}"
    assert left() == [copy.name]


def test_a_machine_made_before_disks_had_names_is_known_by_its_volumes() -> None:
    apply(STOPPED)
    document = hand("dumpxml", ONE, "--inactive")
    old = document.replace("<alias name='ua-dockyard-root'/>", "").replace('"named":true,', "")
    assert old.count("\n") == document.count("\n")
    path = Path(POOL) / f"{ONE}.xml"
    path.write_text(old)
    hand("define", str(path))
    assert apply(STOPPED)["changed"] is False
    snapshot("s1")
    assert apply(STOPPED)["changed"] is False
    assert apply({**STOPPED, "vcpus": 2})["changed"] is True
    assert "ua-dockyard-root" in hand("dumpxml", ONE, "--inactive")
    assert apply({**STOPPED, "vcpus": 2})["changed"] is False


def define_other(disk: Path, uefi: str = "") -> None:
    path = Path(POOL) / f"{OTHER}.xml"
    path.write_text(
        f"<domain type='qemu'><name>{OTHER}</name><memory unit='MiB'>32</memory>"
        f"<os><type machine='q35'>hvm</type>{uefi}</os><features><acpi/></features>"
        f"<devices><disk type='file' device='disk'><driver name='qemu' type='qcow2'/>"
        f"<source file='{disk}'/>"
        "<target dev='vda' bus='virtio'/></disk></devices></domain>"
    )
    hand("define", str(path))


@pytest.mark.parametrize("backed", [False, True], ids=["its disk", "what its disk stands on"])
def test_what_another_machine_uses_is_not_deleted(backed: bool) -> None:
    apply(STOPPED)
    used = ROOT
    if backed:
        # libvirt has not looked at the pool since.
        used = Path(POOL) / f"{OTHER}-mine"
        make = ["qemu-img", "create", "-q", "-f", "qcow2", "-b", str(ROOT), "-F", "qcow2"]
        subprocess.run([*make, str(used)], check=True)
    define_other(used)
    refused = run(GONE, URI).result["msg"]
    assert f"the volume {ROOT.name} is used by the machine {OTHER}" in refused
    assert ROOT.exists()
    assert ONE in hand("list", "--all", "--name")
    assert apply({**GONE, "delete_disks": False})["changed"] is True
    assert ROOT.exists()


def test_variables_of_uefi_that_a_copy_has_too_stay() -> None:
    apply(STOPPED)
    nvram, path = Path(POOL) / f"{ONE}_VARS.fd", Path(POOL) / f"{ONE}.xml"
    nvram.touch()
    uefi = f"<loader readonly='yes' type='pflash'>/none</loader><nvram>{nvram}</nvram>"
    path.write_text(hand("dumpxml", ONE, "--inactive").replace("</type>", f"</type>{uefi}"))
    hand("define", str(path))
    define_other(Path(POOL) / f"{OTHER}-mine", uefi)
    apply(GONE)
    assert nvram.exists()
    hand("undefine", OTHER, "--keep-nvram")


def test_a_copy_and_a_renamed_machine_delete_no_disks_of_the_original() -> None:
    apply(STOPPED)
    copy = Path(POOL) / f"{OTHER}.xml"
    lines = hand("dumpxml", ONE, "--inactive").replace(f"<name>{ONE}<", f"<name>{OTHER}<")
    copy.write_text("\n".join(line for line in lines.split("\n") if "<uuid>" not in line))
    hand("define", str(copy))
    refused = run({**GONE, "name": OTHER}, URI).result["msg"]
    assert f"this machine was not created by dockyard.fleet: it is a copy of vm/{ONE}" in refused
    hand("undefine", OTHER)
    hand("domrename", ONE, OTHER)
    refused = run({**GONE, "name": OTHER}, URI).result["msg"]
    assert f"its disks are still those of {ONE}" in refused
    renamed = apply({**STOPPED, "name": OTHER})
    assert [step["cause"] for step in renamed["plan"]["steps"]] == [f"renamed from {ONE}"]
    assert apply({**STOPPED, "name": OTHER})["changed"] is False
    assert ROOT.name in hand("domblklist", OTHER)
    apply({**GONE, "name": OTHER})
    assert not ROOT.exists()


def test_a_disk_grows_beside_a_snapshot_or_says_beforehand_why_not() -> None:
    apply(MACHINE)
    hand("snapshot-create-as", ONE, "inside")
    apply({**MACHINE, "disks": [{"size": "16MiB"}]})
    apply({"name": ONE, "state": "stopped", "stop_grace_period": "0s"})
    apply({**STOPPED, "disks": [{"size": "24MiB"}]})
    hand("snapshot-delete", ONE, "inside")
    # As machines have them that were made before.
    ROOT.unlink()
    old = ["qemu-img", "create", "-q", "-f", "qcow2", "-o", "compat=0.10", str(ROOT), "8M"]
    subprocess.run(old, check=True)
    hand("pool-refresh", "default")
    hand("snapshot-create-as", ONE, "old")
    refused = run({**STOPPED, "memory": "48MiB", "disks": [{"size": "16MiB"}]}, URI).result
    assert "qcow2 of version 2, which cannot grow beside the snapshot old" in refused["msg"]
    assert "49152" not in hand("dumpxml", ONE, "--inactive")


def test_a_disk_holds_the_bitmap_of_a_checkpoint() -> None:
    """Incremental backups need one, and qcow2 of version 2 holds none."""
    apply(MACHINE)
    hand("checkpoint-create-as", ONE, "day")
    assert apply(MACHINE)["changed"] is False
    assert hand("checkpoint-list", ONE, "--name").split() == ["day"]
    hand("checkpoint-delete", ONE, "day")
    apply(GONE)
    assert left() == []


def test_disks_are_plugged_as_long_as_there_are_ports_and_the_rest_waits() -> None:
    apply(MACHINE)
    small = [{"name": f"d{number}", "size": "1MiB"} for number in range(4)]
    scsi = {"name": "first", "size": "1MiB", "bus": "scsi"}
    task = {**MACHINE, "disks": [*MACHINE["disks"], scsi, *small]}  # type: ignore[misc]
    waiting = apply(task)
    assert waiting["plan"]["pending"] == ["disks.d3: none → 1MiB default virtio"]
    assert hand("domblklist", ONE).count("qcow2") == 5
    assert "model='virtio-scsi'" in hand("dumpxml", ONE)
    again = apply(task)
    assert (again["changed"], again["restart_required"]) == (False, True)
    restarted = apply({**task, "allow": ["live", "restart"]})
    assert restarted["restarted"] is True
    assert hand("domblklist", ONE).count("qcow2") == 6
    assert apply(task)["changed"] is False
    assert "restart_required" not in apply(task)
