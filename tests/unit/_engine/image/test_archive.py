"""Archives of images: what is in them, and what becomes of a transfer cut short."""

from __future__ import annotations

import gzip
import json
import os
import sys
import tarfile
import time
from pathlib import Path
from typing import Any, Dict, Iterator

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.archive import (
    find_image,
    pieces,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.resource import IMAGE
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.tar import file as tar_file

from tests.lab.fake_archives import archive, tarred
from tests.lab.fake_engine import FakeEngine
from tests.lab.fake_images import config_of, store
from tests.lab.fake_state import State
from tests.lab.tasks import do

HEX = {name: f"{number:064x}" for number, name in enumerate(("config", "manifest", "index"), 1)}
KINDS = ("500", "500-after", "drop", "drop-after", "nospace")


def blob(name: str) -> str:
    return f"blobs/sha256/{HEX[name]}"


def entry(name: str, **more: Any) -> Dict[str, Any]:
    return {"digest": f"sha256:{HEX[name]}", "size": 1, **more}


def oci() -> Dict[str, Any]:
    """Return the files of an OCI layout whose image is behind an index of platforms."""
    notes = {
        "org.opencontainers.image.ref.name": "1",
        "io.containerd.image.name": "docker.io/library/app:1",
    }
    config = {"config": {"Env": ["A=b"], "Labels": None}, "os": "linux"}
    return {
        "oci-layout": {"imageLayoutVersion": "1.0.0"},
        "index.json": {"manifests": [entry("index", annotations=notes)]},
        blob("index"): {"manifests": [{"digest": "sha256:" + "f" * 64}, entry("manifest")]},
        blob("manifest"): {"config": entry("config"), "layers": []},
        blob("config"): config,
    }


@pytest.fixture
def fake() -> Iterator[FakeEngine]:
    with FakeEngine() as engine:
        engine.add_image("app:1")
        yield engine


def apply(fake: FakeEngine, params: Dict[str, Any]) -> Dict[str, Any]:
    return do(IMAGE, fake.socket_path, **params)


@pytest.mark.parametrize("packed", [False, True])
def test_an_oci_archive_is_loaded_by_an_engine_that_knows_dockers_alone(
    fake: FakeEngine, tmp_path: Path, packed: bool
) -> None:
    path = tmp_path / "oci.tar"
    data = tarred(oci())
    path.write_bytes(gzip.compress(data) if packed else data)
    member = find_image(str(path), "app:1", "load")
    assert member.ids == tuple(f"sha256:{HEX[name]}" for name in ("index", "manifest", "config"))
    assert b"".join(pieces(str(path), member)).endswith(data)
    task = {"name": "shop:1", "load": str(path)}
    assert apply(fake, task)["image"]["id"] == f"sha256:{HEX['config']}"
    assert apply(fake, task)["changed"] is False


def test_an_archive_of_both_kinds_has_every_id(tmp_path: Path) -> None:
    path = tmp_path / "both.tar"
    listed = [{"Config": blob("config"), "RepoTags": ["app:1"], "Layers": []}]
    path.write_bytes(tarred({**oci(), "manifest.json": listed}))
    member = find_image(str(path), "app:1", "load")
    assert {f"sha256:{one}" for one in HEX.values()} == set(member.ids)
    assert b"".join(pieces(str(path), member)) == path.read_bytes()


def test_an_image_without_a_manifest_is_known_by_what_it_is_made_of(tmp_path: Path) -> None:
    """An engine that keeps images in containerd makes the manifest, whose digest nobody knows."""
    config = {"Env": ["LOG=debug"], "Cmd": None}
    made = {"created": "2024-01-01T00:00:00Z", "rootfs": {"diff_ids": ["sha256:1"]}}
    listed = [{"Config": "00.json", "RepoTags": ["app:1"], "Layers": []}]
    path = tmp_path / "app.tar"
    path.write_bytes(tarred({"00.json": {**made, "config": config}, "manifest.json": listed}))
    member = find_image(str(path), "app:1", "load")
    image = {
        "Id": "sha256:22",
        "Created": "2024-01-01T00:00:00Z",
        "RootFS": {"Layers": ["sha256:1"]},
        "Config": {"Env": ["LOG=debug"], "Hostname": ""},
    }
    assert member.is_same(image)
    assert member.is_same({"Id": "sha256:00"})
    assert not member.is_same(None)
    for key, other in (
        ("Created", "2025-01-01T00:00:00Z"),
        ("RootFS", {"Layers": ["sha256:1", "sha256:2"]}),
        ("Config", {"Env": ["LOG=debug"], "Labels": {"a": "b"}}),
    ):
        assert not member.is_same({**image, key: other}), key


def archived(fake: FakeEngine, folder: Path) -> Path:
    """Return an archive of an image that the engine does not have."""
    fake.add_image("other:1", env={"LOG": "debug"})
    image = fake.image("other:1")
    assert image is not None
    path = folder / "other.tar"
    path.write_bytes(archive(image))
    del fake.images[image["Id"]]
    return path


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("option", ["load", "import"])
def test_a_load_cut_short_is_one_error_and_the_next_run_converges(
    fake: FakeEngine, tmp_path: Path, kind: str, option: str
) -> None:
    path = str(archived(fake, tmp_path))
    task = {"name": "other:1", option: path if option == "load" else {"path": path}}
    fake.faults.at(1, kind)
    result = apply(fake, task)
    assert fake.faults.hits
    assert result["failed"] is True
    assert result["msg"].startswith(f"image/other:1: the {option} ")
    assert "\n" not in result["msg"]
    fake.faults.reset()
    assert not apply(fake, task).get("failed")
    assert apply(fake, task)["changed"] is False


def test_an_archive_that_the_engine_refuses_in_the_middle(fake: FakeEngine, tmp_path: Path) -> None:
    path = archived(fake, tmp_path)
    listed = [{"Config": f"{HEX['config']}.json", "RepoTags": ["other:1"], "Layers": []}]
    path.write_bytes(tarred({"manifest.json": listed}))
    result = apply(fake, {"name": "other:1", "load": str(path)})
    assert "the load failed: open /var/lib/docker/tmp/" in result["msg"]


@pytest.mark.parametrize("kind", ["500", "500-after", "drop", "drop-after"])
def test_a_save_cut_short_leaves_the_old_archive(
    fake: FakeEngine, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "out.tar"
    path.write_text("old")
    fake.faults.reset("all")
    fake.faults.at(3, kind)  # the ping, the look, the archive
    result = apply(fake, {"name": "app:1", "save": str(path)})
    assert "GET /images/app:1/get" in fake.faults.hits[0]
    assert result["failed"] is True
    assert result["msg"].startswith("image/app:1: the save failed: ")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["out.tar"]
    fake.faults.reset()
    assert apply(fake, {"name": "app:1", "save": str(path)})["changed"] is True
    assert apply(fake, {"name": "app:1", "save": str(path)})["changed"] is False


def test_on_a_target_the_archive_is_asked_for(fake: FakeEngine, tmp_path: Path) -> None:
    from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.source import (
        read_source,
    )

    path = archived(fake, tmp_path)
    task = {"name": "other:1", "load": str(path)}
    source = read_source(task, "other:1")
    assert source is not None
    asks = apply(fake, {**task, "_source": json.loads(json.dumps(source.public()))})
    assert asks["needs_context"] is True
    sent = {**task, "load": "/elsewhere", "_source": source.public(str(path))}
    assert apply(fake, sent)["created"] is True
    assert apply(fake, {**sent, "_source": source.public()})["changed"] is False


def saved(tmp_path: Path, *references: str) -> Path:
    """Write an archive of images, each under its references ("a:1 a:2"), none without a name."""
    state = State("1.41")
    images = []
    for number, words in enumerate(references):
        image = store(state, f"one:{number}", config_of({"cmd": [str(number)]}), str(number))
        images.append({**image, "RepoTags": words.split()})
    path = tmp_path / "all.tar"
    path.write_bytes(archive(*images))
    return path


def test_all_images_of_an_archive_are_loaded_under_their_own_names(
    fake: FakeEngine, tmp_path: Path
) -> None:
    task = {"load": str(saved(tmp_path, "shop:1 shop:2", "app:1", ""))}
    check = do(IMAGE, fake.socket_path, check=True, **task)
    assert "image/app:1\n  the archive has another image [none]" in check["plan"]["text"]
    assert "image/shop:2\n  not on the engine [none]" in check["plan"]["text"]
    assert fake.writes == []
    result = do(IMAGE, fake.socket_path, **task)
    assert result["plan"]["text"] == check["plan"]["text"]
    assert [one["tags"] for one in result["images"]] == [["shop:1", "shop:2"], ["app:1"], []]
    assert {one["id"] for one in result["images"]} <= set(fake.images)
    assert len([call for call in fake.writes if call.path == "/images/load"]) == 1
    again = do(IMAGE, fake.socket_path, **task)
    assert (again["changed"], again["images"]) == (False, result["images"])
    assert again["image"] is None


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            {},
            "name: is required; only load works without one, and then loads all",
        ),
        ({"load": "PATH", "tags": ["a:1"]}, "tags: is about one image; give the name of one image"),
        ({"load": "PATH", "push": True}, "push: is about one image"),
        ({"load": "PATH", "save": "/srv/x.tar"}, "save: is about one image"),
        ({"load": "PATH", "state": "absent"}, "name: is required"),
        ({"import": {"path": "PATH"}}, "name: is required"),
    ],
)
def test_what_cannot_do_without_a_name(
    fake: FakeEngine, tmp_path: Path, more: Dict[str, Any], message: str
) -> None:
    path = str(saved(tmp_path, "shop:1"))
    params = json.loads(json.dumps(more).replace("PATH", path))
    assert do(IMAGE, fake.socket_path, **params)["msg"].startswith(message)


def test_an_archive_that_would_fill_the_disk_is_given_up(
    fake: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Zeros: gzip brings a thousandth of them, zstd less, here by a program that never ends."""
    monkeypatch.setattr(tar_file, "_MOST_TIMES", 100)
    monkeypatch.setattr(tar_file, "_FREE", 1 << 20)
    member = tarfile.TarInfo("blob")
    member.size = 64 << 20
    bomb = tmp_path / "bomb.tar.gz"
    with gzip.open(bomb, "wb", compresslevel=1) as file:
        file.write(member.tobuf())
        for _turn in range(64):
            file.write(bytes(1 << 20))
    too_much = "it unpacks to more than"
    assert too_much in do(IMAGE, fake.socket_path, load=str(bomb))["msg"]
    assert too_much in do(IMAGE, fake.socket_path, name="a:1", load=str(bomb))["msg"]
    program = tmp_path / "bin" / "zstd"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexec /bin/cat /dev/zero\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    monkeypatch.setitem(sys.modules, "compression.zstd", None)
    packed = tmp_path / "bomb.tar.zst"
    packed.write_bytes(b"\x28\xb5\x2f\xfd" + bytes(100))
    begun = time.monotonic()
    assert too_much in do(IMAGE, fake.socket_path, load=str(packed))["msg"]
    assert time.monotonic() - begun < 30


def test_an_archive_that_zstd_has_packed(
    fake: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = saved(tmp_path, "shop:1")
    packed = tmp_path / "all.tar.zst"
    packed.write_bytes(b"\x28\xb5\x2f\xfd" + plain.read_bytes()[::-1])
    program = tmp_path / "bin" / "zstd"
    program.parent.mkdir()
    # Unpacks what was packed here, for a machine that has no zstd.
    program.write_text(
        f"#!{sys.executable}\nimport sys\n"
        "data = open(sys.argv[-1], 'rb').read()\nsys.stdout.buffer.write(data[4:][::-1])\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))
    monkeypatch.setitem(sys.modules, "compression.zstd", None)
    task = {"load": str(packed)}
    assert do(IMAGE, fake.socket_path, **task)["images"][0]["tags"] == ["shop:1"]
    assert fake.image("shop:1") is not None
    assert do(IMAGE, fake.socket_path, **task)["changed"] is False
    program.unlink()
    assert do(IMAGE, fake.socket_path, **task)["msg"] == (
        f"load: {packed} is packed by zstd, which nothing on this machine can unpack; install zstd"
        " here, or unpack it"
    )
    program.write_text("#!/bin/false\n")
    program.chmod(0o755)
    assert (
        f"cannot read {packed}: it is not an archive of images"
        in (do(IMAGE, fake.socket_path, **task)["msg"])
    )
