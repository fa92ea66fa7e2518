"""Base images on a real libvirt, through ansible-playbook, from a publisher with its own CA."""

from __future__ import annotations

import ast
import gzip
import hashlib
import json
import lzma
import os
import re
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lab.playbook import run_playbook
from tests.lab.playing import Play
from tests.unit._libvirt.imagework import MIB, qcow2, qemu_img, raw_disk, sha256, volume
from tests.unit._libvirt.origin import Origin

URI = "qemu:///system"
MODULE = Path(__file__).parents[2] / "plugins" / "modules" / "vm_image.py"


def virsh(*words: str) -> str:
    command = ["virsh", "-q", "-c", URI, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout


class Lab:
    """Pools of this test's own, and a publisher over HTTPS."""

    def __init__(self, folder: Path, origin: Origin) -> None:
        self.folder = folder
        self.origin = origin
        self.mark = uuid.uuid4().hex[:8]
        self.play = Play(folder)
        self._pools: list[str] = []
        self._mounts: list[Path] = []
        self.pool, self.path = self.new_pool("main")

    def new_pool(self, name: str, size: str = "") -> tuple[str, Path]:
        """Define and start a directory pool; with a size it is a file system of its own."""
        path, pool = self.folder / f"pool-{name}", f"fleet-image-{self.mark}-{name}"
        path.mkdir()
        if size:
            mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)]
            subprocess.run(mount, check=True)
            self._mounts.append(path)
        virsh("pool-define-as", pool, "dir", "--target", str(path))
        self._pools.append(pool)
        virsh("pool-start", pool)
        return pool, path

    def close(self) -> None:
        listed = virsh("list", "--all", "--name").split()
        for name in listed:
            if name.startswith(f"fleet-image-{self.mark}"):
                virsh("undefine", name)
        for pool in self._pools:
            subprocess.run(["virsh", "-q", "-c", URI, "pool-destroy", pool], check=False)
            virsh("pool-undefine", pool)
        for path in self._mounts:
            subprocess.run(["umount", str(path)], check=True)

    def task(self, **params: Any) -> dict[str, Any]:
        own = {"name": "debian-12", "pool": self.pool, "retries": 0, "timeout": "20s"}
        return {"dockyard.fleet.vm_image": {**own, **params}}

    def publish(self, data: bytes, name: str = "base.qcow2") -> dict[str, Any]:
        self.origin.files[f"/{name}"] = data
        url, ca = f"{self.origin.url}/{name}", str(self.origin.ca)
        return {"url": url, "checksum": sha256(data), "ca_path": ca}

    def run(self, *tasks: dict[str, Any], check: bool = False) -> list[dict[str, Any]]:
        return self.play.run(*tasks, options=("--check", "--diff") if check else ())


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    folder = tmp_path / "origin"
    folder.mkdir()
    with Origin(folder, tls=True) as origin:
        made = Lab(tmp_path, origin)
        try:
            yield made
        finally:
            made.close()


def files(path: Path) -> list[str]:
    return sorted(one.name for one in path.iterdir())


def test_an_image_comes_once_and_is_what_libvirt_sees(lab: Lab) -> None:
    want = lab.publish(gzip.compress(raw_disk(size=4 * MIB)), "disk.raw.gz")
    task, name = lab.task(**want), volume(want["checksum"])
    (planned,) = lab.run(task, check=True)
    assert planned["plan"]["steps"][0]["cause"] == f"not in the pool {lab.pool}"
    assert files(lab.path) == []
    first, second = lab.run(task, task)
    assert not first["failed"], first["msg"]
    assert (first["changed"], first["created"]) == (True, True)
    assert first["plan"]["steps"] == planned["plan"]["steps"]
    assert first["vm_image"]["virtual_size"] == 4 * MIB
    assert second["changed"] is False
    assert second["vm_image"] == first["vm_image"]
    assert files(lab.path) == [name]
    document = virsh("vol-dumpxml", "--pool", lab.pool, name)
    assert "<format type='qcow2'/>" in document


def test_what_goes_wrong_leaves_what_was_there(lab: Lab) -> None:
    good = lab.publish(qcow2())
    wrong = {**lab.publish(qcow2(b"two"), "two.qcow2"), "checksum": "sha256:" + "a" * 64}
    untrusted = {key: value for key, value in good.items() if key != "ca_path"}
    (made,) = lab.run(lab.task(**good))
    results = lab.run(
        lab.task(**wrong),
        lab.task(**{**untrusted, "name": "other"}),
        lab.task(**{**good, "pool": f"{lab.pool}x"}),
        lab.task(**good, chekcsum="s3cret"),
        lab.task(path="~/image.qcow2"),
    )
    said = [result["msg"] for result in results]
    assert all(result["failed"] for result in results)
    assert " has the sha256 checksum " in said[0]
    assert " cannot be trusted: " in said[1]
    assert said[2] == f"pool: there is no pool '{lab.pool}x'; did you mean {lab.pool}?"
    assert said[3] == "chekcsum: unknown option; did you mean checksum?"
    assert said[4].startswith("path: '~/image.qcow2' is not an absolute path on the KVM host")
    assert files(lab.path) == [made["vm_image"]["volume"]]


def test_the_role_brings_every_version_of_a_name(lab: Lab) -> None:
    versions = [lab.publish(qcow2(mark), f"{mark.decode()}.qcow2") for mark in (b"one", b"two")]
    images = [lab.task(**one)["dockyard.fleet.vm_image"] for one in versions]
    role = {"name": "dockyard.fleet.machines", "tasks_from": "images.yml"}
    play = {
        "hosts": "target",
        "gather_facts": False,
        "vars": {"machines_images": images},
        "tasks": [{"ansible.builtin.include_role": role}],
    }
    (lab.folder / "role.yml").write_text(json.dumps([play]))
    env = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(MODULE.parents[2] / "collections")}
    done = run_playbook(["-i", "inventory.json", "role.yml"], lab.folder, env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert files(lab.path) == sorted(volume(one["checksum"]) for one in versions)
    assert "(item=debian-12)" in done.stdout


def test_a_download_that_is_cut_off_goes_on_in_the_next_run(lab: Lab) -> None:
    want = lab.publish(qcow2())
    lab.origin.cut = 100_000
    (cut,) = lab.run(lab.task(**want))
    assert "was cut off after 100000B of " in cut["msg"]
    assert "the next run continues from there" in cut["msg"]
    lab.origin.cut = None
    (result,) = lab.run(lab.task(**want))
    assert result["changed"] is True
    assert lab.origin.ranges_of("/base.qcow2")[-1] == "bytes=100000-"
    assert files(lab.path) == [volume(want["checksum"])]


def test_a_pool_that_fills_up_is_left_as_it_was(lab: Lab) -> None:
    pool, path = lab.new_pool("small", size="2m")
    # Too large at once; and one that only grows too large when it is unpacked and converted.
    large = lab.publish(os.urandom(3 * MIB), "large.raw")
    packed = lab.publish(gzip.compress(b"\1" * 4096 + os.urandom(1300 * 1024)), "packed.raw.gz")
    results = lab.run(lab.task(**large, pool=pool), lab.task(**packed, pool=pool))
    for result in results:
        assert result["msg"].startswith(f"vm_image/debian-12: the pool's folder {path} is full")
        assert result["msg"].endswith("free some space there and run again")
    assert "3MiB are needed" in results[0]["msg"]
    assert files(path) == []


def test_the_base_of_a_machine_is_not_removed(lab: Lab) -> None:
    (made,) = lab.run(lab.task(**lab.publish(qcow2())))
    base = made["vm_image"]
    overlay = f"{lab.mark}-root.qcow2"
    backing = ["--backing-vol", base["volume"], "--backing-vol-format", "qcow2"]
    virsh("vol-create-as", lab.pool, overlay, "1MiB", "--format", "qcow2", *backing)
    machine = f"fleet-image-{lab.mark}"
    disk = (
        f"<disk type='volume' device='disk'><source pool='{lab.pool}' volume='{overlay}'/>"
        "<target dev='vda' bus='virtio'/></disk>"
    )
    document = lab.folder / "machine.xml"
    document.write_text(
        f"<domain type='qemu'><name>{machine}</name><memory unit='MiB'>32</memory>"
        f"<os><type>hvm</type></os><devices>{disk}</devices></domain>"
    )
    virsh("define", str(document))
    task = lab.task(state="absent")
    said = f"vm_image/debian-12: refused: {base['volume']} is the base of the "
    (refused,) = lab.run(task)
    assert refused["msg"] == f"{said}machine {machine}; remove that first"
    virsh("undefine", machine)
    (refused,) = lab.run(task)
    assert refused["msg"] == f"{said}disk {lab.path / overlay}; remove that first"
    assert Path(base["path"]).exists()
    virsh("vol-delete", "--pool", lab.pool, overlay)
    gone, again = lab.run(task, task)
    assert (gone["changed"], again["changed"]) == (True, False)
    assert files(lab.path) == []


def test_a_volume_put_there_behind_libvirt_is_seen(lab: Lab) -> None:
    data = qcow2()
    (lab.path / volume(sha256(data))).write_bytes(data)
    (result,) = lab.run(lab.task(**lab.publish(data)))
    assert result["changed"] is False
    assert result["vm_image"]["virtual_size"] == MIB


def test_a_later_task_of_a_check_knows_what_the_role_announced(lab: Lab) -> None:
    want = lab.publish(qcow2())
    announce = {"address": "pool/fast", "cause": "kvm_host will make it"}
    _said, planned = lab.run(
        {"dockyard.fleet.pending": announce}, lab.task(**want, pool="fast"), check=True
    )
    assert planned["plan"]["steps"][0]["cause"] == (
        "waits for the pool fast (kvm_host will make it)"
    )
    assert planned["vm_image"]["volume"] == volume(want["checksum"])


def test_the_examples_run_as_written_but_for_their_addresses(lab: Lab) -> None:
    assigned = ast.parse(MODULE.read_text()).body
    texts = {
        node.targets[0].id: node.value.value
        for node in assigned
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }
    cloud, own = qcow2(b"cloud"), lzma.compress(raw_disk(b"own"))
    built = lab.folder / "built-here.qcow2"
    built.write_bytes(qcow2(b"built"))
    lab.origin.files.update(
        {
            "/images/cloud/bookworm/latest/debian-12-genericcloud-amd64.qcow2": cloud,
            "/images/cloud/bookworm/latest/SHA512SUMS": _sums(cloud),
            "/app-base.img.xz": own,
        }
    )
    text = re.sub(r"https://[^/]+", lab.origin.url, texts["EXAMPLES"])
    text = re.sub(r"sha256:[0-9a-f]{64}", sha256(own), text)
    text = text.replace("/etc/ssl/private-ca.pem", str(lab.origin.ca))
    text = text.replace("/srv/images/built-here.qcow2", str(built))
    tasks = yaml.safe_load(text)
    for task in tasks:
        if "dockyard.fleet.vm_image" in task:
            task["dockyard.fleet.vm_image"].update(pool=lab.pool, ca_path=str(lab.origin.ca))
    assert not [result["msg"] for result in lab.run(*tasks) if result["failed"]]
    names = [name.rpartition("-")[0] for name in files(lab.path)]
    assert names == ["built-here", "debian-12"]
    for name in files(lab.path):
        qemu_img("check", str(lab.path / name))


def _sums(data: bytes) -> bytes:
    return f"{hashlib.sha512(data).hexdigest()}  debian-12-genericcloud-amd64.qcow2\n".encode()
