"""What passes for a disk and is none, and servers and archives without end."""

from __future__ import annotations

import gzip
import io
import lzma
import os
import socket
import ssl
import tarfile
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.client.abandoned import (
    GivenUp,
    go_on,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.image import download
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.image import (
    files as image_files,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.image.formats import (
    HEAD,
    foreign,
)

from tests.unit._libvirt.imagework import (
    MIB,
    Images,
    nobody_listens,
    qcow2,
    raw_disk,
    sha256,
    volume,
)
from tests.unit._libvirt.origin import Origin


def archive(form: int, member: str = "disk.raw") -> bytes:
    """Return a tar archive with a disk in it."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=form) as tar:
        entry = tarfile.TarInfo(member)
        entry.size = MIB
        tar.addfile(entry, io.BytesIO(raw_disk()))
    return made.getvalue()


def old_archive() -> bytes:
    """Return a tar archive as before POSIX, without any mark but its checksum."""
    made = bytearray(archive(tarfile.USTAR_FORMAT))
    made[257:512] = bytes(255)
    made[148:156] = b" " * 8
    made[148:156] = b"%06o\0 " % sum(made[:512])
    return bytes(made)


DESCRIPTOR = b"""# Disk DescriptorFile
version=1
createType="monolithicFlat"
RW 2048 FLAT "disk-flat.vmdk" 0
"""
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 9\n"
UNPACK = "unpack it, and give the disk image that is in it"


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.tar.xz", lzma.compress(archive(tarfile.GNU_FORMAT)), "is a tar archive; " + UNPACK),
        ("a.tar.gz", gzip.compress(archive(tarfile.PAX_FORMAT)), "is a tar archive; " + UNPACK),
        ("a.ova", archive(tarfile.USTAR_FORMAT, "a.ovf"), "is a tar archive; " + UNPACK),
        ("a.tar", old_archive(), "is a tar archive; "),
        ("a.vmdk", DESCRIPTOR, "is a VMDK descriptor, which names the files with the data; "),
        ("a.img", b'<?xml version="1.0"?>\n<Error><Code>NoSuchKey</Code></Error>', "is an XML doc"),
        ("a.img", b"<Error><Code>AccessDenied</Code></Error>", "is an XML document; "),
        ("a.img", b'\n {"message": "not found"}', "is a JSON document; check what the address"),
        ("a.img", b"[]\n", "is a JSON document; "),
        ("a.img", b"\xef\xbb\xbf\r\n<HTML><body>404 \xc3\xa4", "is a web page; "),
        ("a.img", b"404: Not Found", "is a text; "),
        ("a.img", ("\u4e2d" * 2000).encode(), "is a text; "),
        ("a.img", POINTER, "is a Git LFS pointer; fetch the file itself (git lfs pull)"),
        ("a.img", b"7z\xbc\xaf\x27\x1c" + bytes(MIB), "is a 7z archive; "),
        ("a.img", b"!<arch>\ndebian-binary" + bytes(MIB), "is a package or library (ar); "),
        ("a.img", b"070701" + b"0" * 4000 + bytes(MIB), "is a cpio archive; "),
        ("a.img", b"\x7fELF" + bytes(MIB), "is a program or a kernel (ELF); "),
        ("a.img", bytes(100), "has 100 bytes, less than a sector; "),
        ("a.qcow2", qcow2()[:1000], "is cut off: its tables are not in it; fetch it again"),
        ("a.qcow2", qcow2()[: 5 << 16], "is refused by qemu-img check: "),
    ],
)
def test_what_is_no_disk_is_refused_by_its_name(
    images: Images, name: str, data: bytes, said: str
) -> None:
    task = images.publish(data, name)
    result = images.run(**task)
    assert result.get("failed") is True
    assert result["msg"].startswith(f"url: {task['url']} {said}"), result["msg"]
    assert images.files == []


@pytest.mark.parametrize(
    "head",
    [
        bytes(HEAD),
        bytes(510) + b"\x55\xaa" + bytes(HEAD),
        b"\xeb\x63\x90" + bytes(507) + b"\x55\xaa",
        b"\xeb\x3c\x90mkfs.fat" + b"text " * 90 + b"\x55\xaa",
        b"XFSB" + bytes(HEAD),
        b"hsqs" + bytes(HEAD),
        b"LUKS\xba\xbe" + bytes(HEAD),
        b" " * HEAD,
        bytes(range(256)) * 16,
    ],
)
def test_what_may_be_a_raw_disk_is_taken(head: bytes) -> None:
    assert foreign(head[:HEAD]) is None


# -- without end ------------------------------------------------------------------------------


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_STAGES", 1)


@pytest.mark.usefixtures("_impatient")
@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("head", "does not answer: no answer within 0.3 s"),
        ("body", "(less than 4KiB a second); what arrived is kept"),
    ],
)
def test_a_server_that_drips(images: Images, part: str, said: str) -> None:
    task = {**images.publish(qcow2()), "timeout": "300ms", "retries": 0 if part == "head" else 9}
    images.origin.drips = part
    result = images.run(**task)
    assert said in result["msg"]
    # Each attempt of one that drips brings bytes: they would not run out.
    assert len(images.origin.asked) <= 2
    images.origin.drips = ""
    images.origin.ranges = False
    assert images.run(**{**task, "timeout": "5s"})["changed"] is True
    assert images.files == [volume(task["checksum"])]


@pytest.mark.usefixtures("_impatient")
def test_a_checksum_file_that_drips(images: Images) -> None:
    task = images.publish(qcow2())
    images.origin.files["/SUMS"] = b"x" * 100
    images.origin.drips = "body"
    result = images.run(**{**task, "timeout": "300ms", "checksum": f"{images.origin.url}/SUMS"})
    assert "does not answer: less than 4KiB a second" in result["msg"]


def test_an_archive_that_would_fill_the_pool(
    images: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_files, "_free", lambda folder: 512 << 10)
    monkeypatch.setattr(image_files, "_spare", lambda folder: 0)
    task = images.publish(gzip.compress(b"bomb" * (4 * MIB)), "a.raw.gz")
    assert len(images.origin.files["/a.raw.gz"]) < 100 << 10
    result = images.run(**task)
    assert "is full; 1MiB are needed, 512KiB are free" in result["msg"]
    assert images.files == []


def test_an_image_leaves_room_to_the_disks_of_machines(
    images: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_files, "_free", lambda folder: 2 * MIB)
    monkeypatch.setattr(image_files, "_spare", lambda folder: 2 * MIB)
    result = images.run(**images.publish(qcow2()))
    assert "is full; the last 2MiB of it are left to the disks of machines" in result["msg"]
    assert images.files == []


def test_a_task_that_was_given_up_ends_and_the_next_goes_on(images: Images) -> None:
    task = images.publish(qcow2())
    with nobody_listens():
        result = images.run(**task)
    assert result["msg"].endswith("the task was abandoned, and nothing waits for it now")
    assert images.run(**task)["changed"] is True
    assert images.files == [volume(task["checksum"])]


def test_the_end_of_the_input_is_not_the_end_of_the_task() -> None:
    """sshd gives input and output as one socket, and shuts down one way of it after the input."""
    kept = os.dup(1)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        os.dup2(ours.fileno(), 1)
        try:
            theirs.shutdown(socket.SHUT_WR)
            go_on()
            theirs.close()
            with pytest.raises(GivenUp):
                go_on()
        finally:
            os.dup2(kept, 1)
            os.close(kept)


# -- whom it trusts ---------------------------------------------------------------------------


def test_a_private_authority_as_most_were_made_is_enough_on_every_python(
    images: Images, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The default context of Python 3.13 wants an Authority Key Identifier."""
    default = ssl.create_default_context

    def strict(*args: Any, **options: Any) -> ssl.SSLContext:
        context = default(*args, **options)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", strict)
    folder, data = tmp_path / "tls", qcow2()
    folder.mkdir()
    with Origin(folder, tls=True, files={"/a.qcow2": data}) as origin:
        task = {"url": f"{origin.url}/a.qcow2", "checksum": sha256(data)}
        result = images.run(ca_path=str(origin.ca), **task)
        assert result.get("changed") is True, result["msg"]


def test_a_checksum_comes_no_less_safely_than_it_was_asked_for(
    images: Images, tmp_path: Path
) -> None:
    folder, data = tmp_path / "tls", qcow2()
    folder.mkdir()
    task = images.publish(data)
    images.origin.files["/SUMS"] = f"{sha256(data)[7:]}  base.qcow2\n".encode()
    plain = images.origin.url
    with Origin(folder, tls=True, sends_on={"/SUMS": f"{plain}/SUMS"}) as origin:
        asked = {**task, "ca_path": str(origin.ca), "checksum": f"{origin.url}/SUMS"}
        said = images.run(**asked)["msg"]
        assert f"redirects to {plain}/SUMS, which is less secure" in said
        origin.sends_on = {"/base.qcow2": task["url"]}
        moved = {**task, "ca_path": str(origin.ca), "url": f"{origin.url}/base.qcow2"}
        # The image itself is verified by what was declared.
        assert images.run(**moved)["changed"] is True


def test_a_proxy_of_the_environment_is_asked(
    images: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = qcow2()
    url = "http://images.invalid/base.qcow2"
    images.origin.files[url] = data
    monkeypatch.setenv("http_proxy", images.origin.url)
    assert images.run(url=url, checksum=sha256(data))["changed"] is True
    monkeypatch.setenv("no_proxy", "images.invalid")
    images.run(state="absent")
    assert "does not answer" in images.run(url=url, checksum=sha256(data))["msg"]
