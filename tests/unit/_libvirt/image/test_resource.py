"""Base images: what is planned and why, what ends up in the pool, and what is refused."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import stat
from pathlib import Path
from typing import Any, Callable, Dict

import pytest

from tests.unit._libvirt.imagework import MIB, Images, qcow2, qemu_img, raw_disk, sha256, volume
from tests.unit._libvirt.pools import FakeDomain, FakePool

READS = {
    "storagePoolLookupByName",
    "storageVolLookupByName",
    "isActive",
    "XMLDesc",
    "info",
    "refresh",
    "listAllVolumes",
    "listAllStoragePools",
    "listAllDomains",
    "name",
}


def test_a_first_download_is_planned_made_and_not_made_again(images: Images) -> None:
    data = qcow2()
    task = images.publish(data)
    name = volume(task["checksum"])
    planned = images.run(check=True, **task)
    assert planned["plan"]["text"] == (
        "vm_image/debian-12\n"
        "  not in the pool default [none]\n"
        f"    download {task['url']} → {name}\n"
    )
    assert planned["_pending"] == {
        "vm_image/debian-12": {"kind": "create", "causes": ["not in the pool default"], "keeps": []}
    }
    assert planned["vm_image"]["volume"] == name
    assert planned["vm_image"]["virtual_size"] is None
    assert images.files == []

    made = images.run(**task)
    assert (made["changed"], made["created"]) == (True, True)
    assert made["plan"]["steps"] == planned["plan"]["steps"]
    path = images.pool.path / name
    assert made["vm_image"] == {
        "name": "debian-12",
        "volume": name,
        "path": str(path),
        "pool": "default",
        "checksum": task["checksum"],
        "virtual_size": MIB,
    }
    assert images.files == [name]
    assert path.read_bytes() == data
    assert stat.S_IMODE(path.stat().st_mode) == 0o444

    images.origin.asked.clear()
    again = images.run(**task)
    assert (again["changed"], again["plan"]["text"]) == (False, "nothing to do\n")
    assert again["vm_image"] == made["vm_image"]
    assert images.origin.asked == []


def test_check_mode_only_reads(images: Images) -> None:
    task = images.publish(qcow2())
    images.run(check=True, **task)
    images.run(**task)
    images.run(check=True, state="absent")
    assert set(images.host.calls) <= READS
    assert images.files == [volume(task["checksum"])]


def test_another_checksum_makes_another_volume_and_the_old_one_stays(images: Images) -> None:
    old = images.publish(qcow2(b"old"))
    images.run(**old)
    new = images.publish(qcow2(b"new"))
    result = images.run(**new)
    assert result["plan"]["steps"][0]["cause"] == "checksum changed"
    assert images.files == sorted([volume(old["checksum"]), volume(new["checksum"])])


def test_a_name_that_begins_another_one_is_not_mixed_up_with_it(images: Images) -> None:
    task = images.publish(qcow2())
    images.run(**task)
    other = images.run(name="debian", **images.publish(qcow2(b"two")))
    assert other["plan"]["steps"][0]["cause"] == "not in the pool default"
    images.run(name="debian", state="absent")
    assert images.files == [volume(task["checksum"])]


@pytest.mark.parametrize(
    ("ending", "pack"),
    [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)],
)
def test_a_compressed_raw_disk_becomes_qcow2(
    images: Images, ending: str, pack: Callable[[bytes], bytes]
) -> None:
    raw = raw_disk()
    result = images.run(**images.publish(pack(raw), f"disk.raw{ending}"))
    assert not result.get("failed"), result["msg"]
    path = result["vm_image"]["path"]
    assert json.loads(qemu_img("info", "--output=json", path))["format"] == "qcow2"
    back = images.folder / "back.raw"
    qemu_img("convert", "-f", "qcow2", "-O", "raw", path, str(back))
    assert back.read_bytes() == raw
    assert images.parts == []


def test_a_local_file_counts_by_its_content(images: Images) -> None:
    source = images.folder / "built.qcow2"
    source.write_bytes(qcow2())
    first = images.run(path=str(source))
    assert first["plan"]["text"] == (
        "vm_image/debian-12\n"
        "  not in the pool default [none]\n"
        f"    import {source} → {volume(sha256(source.read_bytes()))}\n"
    )
    assert first["created"] is True
    assert images.run(path=str(source))["changed"] is False
    assert images.run(url=f"file://{source}")["changed"] is False
    source.write_bytes(qcow2(b"two"))
    assert images.run(path=str(source))["plan"]["steps"][0]["cause"] == "checksum changed"
    assert source.exists()


def test_a_local_file_that_is_gone_is_not_needed_any_more(images: Images) -> None:
    source = images.folder / "built.qcow2"
    source.write_bytes(qcow2())
    task = {"path": str(source), "checksum": sha256(source.read_bytes())}
    images.run(**task)
    source.unlink()
    assert images.run(**task)["changed"] is False


def test_zeros_of_a_local_raw_disk_take_no_room_and_survive(images: Images) -> None:
    source = images.folder / "sparse.raw"
    with source.open("wb") as file:
        file.seek(5 * MIB)
        file.write(b"mark")
        file.truncate(64 * MIB)
    result = images.run(path=str(source))
    assert result["vm_image"]["virtual_size"] == 64 * MIB
    qemu_img("compare", "-f", "raw", "-F", "qcow2", str(source), result["vm_image"]["path"])


def test_a_published_list_tells_the_checksum(images: Images) -> None:
    data = qcow2()
    task = images.publish(data, "base.qcow2")
    images.origin.files["/SUMS"] = f"{sha256(data)[7:]} *base.qcow2\n{'0' * 64} *x\n".encode()
    task["checksum"] = f"{images.origin.url}/SUMS"
    result = images.run(**task)
    assert result["vm_image"]["checksum"] == sha256(data)
    assert result["plan"]["notes"] == [
        "the checksum file comes over http, which anybody on the network path can change"
    ]
    # Read once a run: what it says must not change between the plan and the verification.
    assert len(images.origin.ranges_of("/SUMS")) == 1
    again = images.run(**task)
    assert (again["changed"], again["plan"]["notes"]) == (False, [])
    images.origin.files["/SUMS"] = f"{'0' * 64}  other.qcow2\n{'1' * 64}  more\n".encode()
    said = f"checksum: {task['checksum']} does not list base.qcow2; "
    assert images.run(**task)["msg"].startswith(said)


# -- what an earlier task of a check brings ---------------------------------------------------


def test_libvirt_comes_first(images: Images) -> None:
    images.host.pools.clear()
    pending = {"libvirt": "libvirt will be installed"}
    task = {"path": "/nowhere/yet.qcow2", "checksum": "sha256:" + "a" * 64}
    planned = images.run(check=True, pending=pending, **task)
    assert planned["plan"]["text"] == (
        "vm_image/debian-12\n"
        "  waits for libvirt (libvirt will be installed) [none]\n"
        "    import /nowhere/yet.qcow2 → debian-12-aaaaaaaaaaaa.qcow2\n"
    )
    assert planned["vm_image"]["volume"] == "debian-12-aaaaaaaaaaaa.qcow2"
    gone = images.run(check=True, pending=pending, state="absent")
    assert gone["changed"] is False
    assert images.run(check=True, **task)["msg"] == "no libvirt here"


def test_an_image_that_an_earlier_task_would_bring_is_removed(images: Images) -> None:
    task = images.publish(qcow2())
    planned = images.run(check=True, **task)["_pending"]
    check = images.run(check=True, pending=planned, state="absent")
    assert [(step["verb"], step["maybe"]) for step in check["plan"]["steps"]] == [("remove", True)]
    planned = {**planned, **check["_pending"]}
    assert images.run(check=True, pending=planned, state="absent")["changed"] is False
    images.run(**task)
    real = images.run(state="absent")
    assert [step["verb"] for step in real["plan"]["steps"]] == ["remove"]


@pytest.mark.parametrize("address", ["pool/fast", "libvirt"])
def test_the_pool_comes_first(images: Images, address: str) -> None:
    task = images.publish(qcow2())
    planned = images.run(check=True, pending={address: "not there"}, pool="fast", **task)
    assert planned["plan"]["steps"][0]["cause"] == "waits for the pool fast (not there)"


def test_the_file_comes_from_an_earlier_task(images: Images) -> None:
    path = "/nowhere/built.qcow2"
    planned = images.run(check=True, pending={path: "the guest will be built"}, path=path)
    assert planned["plan"]["text"] == (
        "vm_image/debian-12\n"
        "  what it will be is known after apply (the guest will be built) [none]\n"
        "    import /nowhere/built.qcow2 → debian-12\n"
    )
    assert planned["vm_image"] is None


# -- refused before anything is written -------------------------------------------------------

GOOD = "sha256:" + "a" * 64
URL = "https://images.example.com/a.qcow2"


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({}, "url: is missing; declare url, or path on the KVM host"),
        ({"url": URL, "path": "/a"}, "path: goes without url; declare one of the two"),
        ({"url": URL}, "checksum: is required for an image from the network; write sha256:HEX"),
        ({"url": "ftp://x/a", "checksum": GOOD}, "url: 'ftp://x/a' is not a URL of an image"),
        (
            {"url": "https://me:secret@x/a?token=secret", "checksum": GOOD},
            "url: a password in a URL is shown in logs; serve the image without one",
        ),
        ({"url": "http://[::1/", "checksum": GOOD}, "url: is not a URL: "),
        ({"url": "file://[::1/a"}, "url: is not a URL: "),
        ({"url": "https://[x]/a", "checksum": GOOD}, "url: is not a URL: "),
        ({"path": "/a", "checksum": "sha256:http://[::1/"}, "checksum: is not a URL: "),
        ({"path": "/a", "checksum": "file://[::1/SUMS"}, "checksum: is not a URL: "),
        ({"path": "/a", "uri": "qemu+ssh://[::1/system"}, "uri: is not a URL: "),
        ({"path": "~/a.qcow2"}, "path: '~/a.qcow2' is not an absolute path on the KVM host"),
        ({"path": "images/a.qcow2"}, "path: 'images/a.qcow2' is not an absolute path"),
        ({"path": "/nowhere/a.qcow2"}, "path: /nowhere/a.qcow2: No such file or directory"),
        ({"path": "/"}, "path: /: Is a directory"),
        ({"path": "/dev/null"}, "path: /dev/null is not a file; name an image file"),
        (
            {"path": "/a", "checksum": "/nowhere/SUMS"},
            "checksum: /nowhere/SUMS: No such file or directory",
        ),
        ({"name": "../x", "path": "/a"}, "name: '../x' is not a name; use letters"),
        ({"path": "/a", "pool": "defualt"}, "pool: there is no pool 'defualt'; did you mean def"),
        ({"path": "/a", "timeout": "30"}, "timeout: '30' is not a duration"),
        ({"path": "/a", "timeout": "0"}, "timeout: must be greater than zero; such as 30s"),
        ({"path": "/a", "retries": -1}, "retries: '-1' is less than zero"),
        (
            {"path": "/a", "uri": "qemu+ssh://kvm02/system"},
            "uri: 'qemu+ssh://kvm02/system' is a hypervisor elsewhere",
        ),
        (
            {"url": URL, "checksum": GOOD, "ca_path": "/nowhere/ca.pem"},
            "ca_path: /nowhere/ca.pem: ",
        ),
    ],
)
def test_what_cannot_be_right(images: Images, params: Dict[str, Any], said: str) -> None:
    for check in (True, False):
        result = images.run(check=check, **params)
        assert result["failed"] is True
        assert result["msg"].startswith(said)
    assert images.files == []
    assert images.origin.asked == []


def test_pools_that_cannot_be_used(images: Images) -> None:
    task = images.publish(qcow2())
    images.host.pools["lvm"] = FakePool("lvm", Path("/dev/vg"), kind="logical")
    images.host.pools["off"] = FakePool("off", images.folder, active=False)
    lvm, off = (images.run(pool=name, **task)["msg"] for name in ("lvm", "off"))
    assert lvm.startswith("pool: lvm is a pool of type logical, and base images are files; ")
    assert off == "pool: off is not active; run virsh pool-start off"


# -- refused images ---------------------------------------------------------------------------


def _patched(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: _patched(d, 8, (4096).to_bytes(8, "big")), "has a backing file"),
        (lambda d: _patched(d, 72, (4).to_bytes(8, "big")), "has an external data file"),
        (lambda d: _patched(d, 32, (1).to_bytes(4, "big")), "is encrypted"),
        (lambda d: _patched(d, 4, (1).to_bytes(4, "big")), "is a qcow image of version 1"),
        (lambda d: _patched(d, 20, (63).to_bytes(4, "big")), "is refused by qemu-img info: "),
        (lambda d: b"", "is empty"),
        (lambda d: b"<!DOCTYPE html><p>Not here", "is a web page"),
        (lambda d: b"KDMV" + d, "is a VMDK image"),
        (gzip.compress, "is compressed with gzip, and its name does not say so"),
    ],
)
def test_an_image_that_must_not_be_a_base(
    images: Images, change: Callable[[bytes], bytes], said: str
) -> None:
    kept = images.publish(qcow2(b"old"))
    images.run(**kept)
    task = images.publish(change(qcow2()), "other.qcow2")
    result = images.run(**task)
    assert result["failed"] is True
    assert result["msg"].startswith(f"url: {task['url']} {said}")
    assert images.files == [volume(kept["checksum"])]


def test_a_broken_archive(images: Images) -> None:
    for name, data in (("a.xz", b"no"), ("a.gz", gzip.compress(raw_disk())[:-20]), ("a.bz2", b"x")):
        result = images.run(**images.publish(data, name))
        assert " cannot be unpacked: " in result["msg"]
        assert images.files == []


def test_no_qemu_img_on_the_host(images: Images, monkeypatch: pytest.MonkeyPatch) -> None:
    task = images.publish(raw_disk(), "disk.raw")
    monkeypatch.setenv("PATH", str(images.folder))
    assert images.run(**task)["msg"] == (
        "vm_image/debian-12: qemu-img is not on the KVM host; "
        "install qemu-utils there (the role kvm_host does)"
    )
    assert images.files == []


# -- removal ----------------------------------------------------------------------------------


def test_absent_removes_every_version_and_nothing_else(images: Images) -> None:
    first = images.publish(qcow2(b"old"))
    images.run(**first)
    second = images.publish(qcow2(b"new"))
    images.run(**second)
    (images.pool.path / "debian-12-mine.qcow2").write_bytes(qcow2())
    one = images.run(state="absent", checksum=first["checksum"])
    assert one["plan"]["text"] == (
        f"vm_image/debian-12\n  state: absent [destroy]\n    remove {volume(first['checksum'])}\n"
    )
    assert one["vm_image"] is None
    assert images.files == sorted([volume(second["checksum"]), "debian-12-mine.qcow2"])
    assert images.run(state="absent")["changed"] is True
    assert images.run(state="absent")["changed"] is False
    assert images.files == ["debian-12-mine.qcow2"]


def test_absent_is_refused_while_a_machine_is_backed_by_it(images: Images) -> None:
    task = images.publish(qcow2())
    base = images.run(**task)["vm_image"]["path"]
    overlay = images.pool.path / "web01-root.qcow2"
    qemu_img("create", "-f", "qcow2", "-b", base, "-F", "qcow2", str(overlay))
    said = f"vm_image/debian-12: refused: {volume(task['checksum'])} is the base of the "
    end = "; remove that first"
    assert images.run(state="absent")["msg"] == f"{said}disk {overlay}{end}"
    images.host.domains.append(FakeDomain("web01", overlay))
    assert images.run(state="absent")["msg"] == f"{said}machine web01{end}"
    images.host.domains.append(FakeDomain("web02", Path(base)))
    for check in (True, False):
        refused = images.run(check=check, state="absent")
        assert refused["msg"] == f"{said}machines web01, web02{end}"
    assert Path(base).exists()


def test_protect_refuses_the_removal(images: Images) -> None:
    task = images.publish(qcow2())
    images.run(**task)
    refused = images.run(state="absent", protect=True)
    assert refused["msg"].endswith("state: absent: protect forbids replacing or removing it")
    assert images.files == [volume(task["checksum"])]
