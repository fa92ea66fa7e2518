"""Downloads that do not go well: cut off, gone on with, restarted, or wrong."""

from __future__ import annotations

import errno
import gzip
import os
import signal
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.image import download, verbs
from ansible_collections.dockyard.fleet.plugins.module_utils._libvirt.image import (
    files as image_files,
)

from tests.unit._libvirt.imagework import Images, qcow2, raw_disk, sha256, volume
from tests.unit._libvirt.origin import Origin

CUT = 100_000


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "_LONGEST_PAUSE", 0.01)


def test_a_cut_off_download_says_so_and_the_next_run_goes_on(images: Images) -> None:
    data = qcow2()
    task = images.publish(data)
    images.origin.cut = CUT
    cut = images.run(**task)
    assert cut["msg"] == (
        f"url: {task['url']} was cut off after {CUT}B of {_size(data)}; "
        "what arrived is kept; the next run continues from there"
    )
    assert [part.read_bytes() for part in images.parts] == [data[:CUT]]
    images.origin.cut = None
    images.origin.sent = 0
    images.origin.asked.clear()
    result = images.run(**task)
    assert result["changed"] is True
    assert images.origin.ranges_of("/base.qcow2")[-1] == f"bytes={CUT}-"
    assert images.files == [volume(task["checksum"])]
    assert Path(result["vm_image"]["path"]).read_bytes() == data


def _size(data: bytes) -> str:
    whole = len(data)
    return f"{whole // 1024}KiB" if whole % 1024 == 0 else f"{whole}B"


def test_attempts_that_bring_bytes_do_not_run_out(images: Images) -> None:
    task = images.publish(qcow2())
    images.origin.cut = CUT
    result = images.run(**{**task, "retries": 1})
    assert result["changed"] is True
    assert len(images.origin.ranges_of("/base.qcow2")) > 3


def test_a_server_without_ranges_starts_anew(images: Images) -> None:
    data = qcow2()
    task = images.publish(data)
    images.origin.cut = CUT
    images.run(**task)
    images.origin.cut, images.origin.ranges = None, False
    result = images.run(**task)
    assert Path(result["vm_image"]["path"]).read_bytes() == data
    assert images.parts == []


def test_another_file_under_the_same_address_starts_anew(images: Images) -> None:
    data = qcow2()
    wanted = images.publish(data)
    images.origin.files["/base.qcow2"] = qcow2(b"two", 2 << 20)
    images.origin.cut = CUT
    images.run(**wanted)
    images.origin.cut = None
    images.origin.files["/base.qcow2"] = data
    result = images.run(**wanted)
    assert Path(result["vm_image"]["path"]).read_bytes() == data
    assert images.files == [volume(wanted["checksum"])]


def test_a_complete_download_that_was_not_finished_is_not_asked_for_again(
    images: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = images.publish(qcow2())
    _killed_at(images, monkeypatch, verbs, "_verify", task)
    assert len(images.parts) == 1
    images.origin.sent = 0
    assert images.run(**task)["changed"] is True
    # The look at whether it is there is the only body that was begun.
    assert images.origin.ranges_of("/base.qcow2")[-1].startswith("bytes=")
    assert images.files == [volume(task["checksum"])]


def test_a_wrong_checksum_leaves_nothing_and_the_old_image(images: Images) -> None:
    old = images.publish(qcow2(b"old"))
    images.run(**old)
    data = qcow2(b"new")
    task = {**images.publish(data), "checksum": "sha256:" + "b" * 64}
    result = images.run(**task)
    assert result["msg"] == (
        f"checksum: {task['url']} has the sha256 checksum {sha256(data)[7:]}, and not {'b' * 64}; "
        "the file is not the one that was declared; nothing of it was kept"
    )
    assert images.files == [volume(old["checksum"])]


def test_an_address_that_does_not_answer(images: Images, unused_port: int) -> None:
    task = images.publish(qcow2())
    gone = {**task, "url": f"http://127.0.0.1:{unused_port}/a.qcow2"}
    missing = {**task, "url": f"{images.origin.url}/other.qcow2?token=s3cret"}
    for check in (True, False):
        said = images.run(check=check, **gone)["msg"]
        assert said == f"url: {gone['url']} does not answer: [Errno 111] Connection refused"
        assert images.run(check=check, **missing)["msg"] == (
            f"url: {images.origin.url}/other.qcow2 answers 404 Not Found; correct the address"
        )
    assert images.files == []


@pytest.fixture
def unused_port() -> Iterator[int]:
    """Hold a port at which nothing listens, so that nobody else can."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])


def test_a_server_that_is_busy_is_asked_again_and_one_that_forbids_is_not(images: Images) -> None:
    task = images.publish(qcow2())
    images.origin.answers = [503, 502]
    assert images.run(**{**task, "retries": 2})["changed"] is True
    images.run(state="absent")
    images.origin.asked.clear()
    images.origin.answers = [403]
    said = images.run(**{**task, "retries": 2})["msg"]
    assert said == f"url: {task['url']} answers 403 Forbidden"
    assert len(images.origin.asked) == 1


def test_https_is_verified_by_a_private_authority_when_it_is_named(
    images: Images, tmp_path: Path
) -> None:
    folder = tmp_path / "tls"
    folder.mkdir()
    data = qcow2()
    with Origin(folder, tls=True, files={"/a.qcow2": data}) as origin:
        task = {"url": f"{origin.url}/a.qcow2", "checksum": sha256(data)}
        said = images.run(**task)["msg"]
        assert said.startswith(f"url: {task['url']} cannot be trusted: ")
        assert "ca_path" in said
        assert images.files == []
        assert images.run(ca_path=str(origin.ca), **task)["changed"] is True
    assert ssl.create_default_context().verify_mode == ssl.CERT_REQUIRED


def test_a_pool_without_room_is_found_before_the_download(
    images: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = qcow2()
    task = images.publish(data)
    monkeypatch.setattr(image_files, "_free", lambda folder: 1024)
    result = images.run(**task)
    assert result["msg"] == (
        f"vm_image/debian-12: the pool's folder {images.pool.path} is full; "
        f"{_size(data)} are needed, 1KiB are free; free some space there and run again"
    )
    assert images.files == []


# -- killed -----------------------------------------------------------------------------------


def _killed_at(
    images: Images, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, task: Any
) -> None:
    """Run a task in a process of its own that is killed where it would call a function."""
    child = os.fork()
    if child == 0:
        try:
            monkeypatch.setattr(
                module, name, lambda *_a, **_k: os.kill(os.getpid(), signal.SIGKILL)
            )
            images.run(**task)
        finally:  # whatever happens, this is not the process that goes on with the tests
            os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL, f"{name} was not reached"


POINTS = [
    (download, "_receive"),
    (verbs, "_verify"),
    (verbs, "_unpacked"),
    (verbs, "_sparsely"),
    (verbs, "_format"),
    (verbs, "_converted"),
    (verbs, "_qemu_img"),
    (image_files, "publish"),
    (os, "rename"),
    (image_files, "remove_parts"),
]


@pytest.mark.parametrize(("module", "name"), POINTS, ids=[name for _module, name in POINTS])
def test_one_rerun_converges_wherever_it_was_killed(
    images: Images, monkeypatch: pytest.MonkeyPatch, module: Any, name: str
) -> None:
    task = images.publish(gzip.compress(raw_disk()), "disk.raw.gz")
    _killed_at(images, monkeypatch, module, name, task)
    result = images.run(**task)
    assert not result.get("failed"), result["msg"]
    assert images.files == [volume(task["checksum"])]
    assert images.run(**task)["changed"] is False


def test_what_a_killed_run_left_of_another_version_goes(
    images: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = images.publish(qcow2(b"old"))
    _killed_at(images, monkeypatch, verbs, "_verify", old)
    left = images.parts[0].name
    new = images.publish(qcow2(b"new"))
    planned = images.run(check=True, **new)
    assert planned["plan"]["text"] == (
        "vm_image/debian-12\n"
        "  left by an interrupted run [none]\n"
        f"    remove_temporary {left}\n"
        "  not in the pool default [none]\n"
        f"    download {new['url']} → {volume(new['checksum'])}\n"
    )
    images.run(**new)
    assert images.files == [volume(new["checksum"])]


def test_absent_takes_what_a_killed_run_left(
    images: Images, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = images.publish(qcow2())
    _killed_at(images, monkeypatch, verbs, "_verify", task)
    assert images.run(state="absent")["changed"] is True
    assert images.files == []


def test_a_folder_that_may_not_be_written(images: Images, monkeypatch: pytest.MonkeyPatch) -> None:
    task = images.publish(qcow2())

    def denied(path: str) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    # Root may write everywhere, and the tests run as root too.
    monkeypatch.setattr(image_files, "create", denied)
    assert images.run(**task)["msg"] == (
        f"vm_image/debian-12: cannot write into {images.pool.path}: Permission denied; "
        "use become: true"
    )
