"""The build context: what counts for its digest, what is sent, what cannot be one."""

from __future__ import annotations

import io
import os
import socket
import tarfile
from pathlib import Path
from typing import Callable, Dict, Optional

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import (
    FleetError,
    InvalidOption,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.image.building.context import (
    read_context,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "ctx"
    (root / "static").mkdir(parents=True)
    (root / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (root / "app.conf").write_text("level=info\n")
    (root / "static" / "index.html").write_text("<p>hello</p>\n")
    os.symlink("app.conf", root / "current")
    return root


def unpack(root: Path, dockerfile: str = "Dockerfile") -> Dict[str, Optional[bytes]]:
    data = b"".join(read_context(str(root), dockerfile).tar())
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        files = {}
        for member in archive.getmembers():
            content = archive.extractfile(member) if member.isreg() else None
            files[member.name] = content.read() if content else None
        return files


def test_the_archive_holds_the_folder_without_owner(folder: Path) -> None:
    (folder / "big").write_bytes(os.urandom(300_001))
    files = unpack(folder)
    assert sorted(files) == [
        "Dockerfile",
        "app.conf",
        "big",
        "current",
        "static",
        "static/index.html",
    ]
    assert files["app.conf"] == b"level=info\n"
    assert files["big"] == (folder / "big").read_bytes()
    data = b"".join(read_context(str(folder)).tar())
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert {(m.uid, m.gid, m.uname) for m in archive.getmembers()} == {(0, 0, "")}
        assert archive.getmember("current").linkname == "app.conf"
    assert data == b"".join(read_context(str(folder)).tar())


@pytest.mark.parametrize(
    "edit",
    [
        lambda root: (root / "app.conf").write_text("level=debug"),
        lambda root: (root / "app.conf").chmod(0o744),
        lambda root: (root / "app.conf").rename(root / "other.conf"),
        lambda root: (root / "empty").mkdir(),
        lambda root: ((root / "current").unlink(), os.symlink("static", root / "current")),
    ],
    ids=["content", "mode", "name", "folder", "link"],
)
def test_what_counts(folder: Path, edit: Callable[[Path], object]) -> None:
    before = read_context(str(folder)).digest
    edit(folder)
    assert read_context(str(folder)).digest != before


def test_times_do_not_count(folder: Path) -> None:
    before = read_context(str(folder)).digest
    os.utime(folder / "app.conf", (1, 1))
    assert read_context(str(folder)).digest == before


def test_ignored_files_neither_count_nor_travel(folder: Path) -> None:
    (folder / ".dockerignore").write_text("*\n!static/*.html\n")
    before = read_context(str(folder)).digest
    (folder / "app.conf").write_text("other")
    (folder / "static" / "note.txt").write_text("other")
    assert read_context(str(folder)).digest == before
    assert sorted(unpack(folder)) == [".dockerignore", "Dockerfile", "static/index.html"]


def test_rules_of_a_dockerfile_go_before_those_of_the_folder(folder: Path) -> None:
    """BuildKit sends by them, so what they let in counts."""
    (folder / "Dockerfile.dockerignore").write_text("static\n")
    (folder / ".dockerignore").write_text("app.conf\n")
    before = read_context(str(folder)).digest
    (folder / "static" / "note.txt").write_text("other")
    assert read_context(str(folder)).digest == before
    (folder / "app.conf").write_text("other")
    assert read_context(str(folder)).digest != before
    assert "app.conf" in unpack(folder)
    assert "static/index.html" not in unpack(folder)
    inline = read_context(str(folder), inline="FROM scratch\n")
    assert "app.conf" not in {entry.path for entry in inline.entries}


def test_a_dockerfile_in_an_ignored_folder_is_sent(folder: Path) -> None:
    (folder / "build").mkdir()
    (folder / "build" / "Dockerfile.web").write_text("FROM scratch\n")
    (folder / ".dockerignore").write_text("build\nstatic\ncurrent\n")
    files = unpack(folder, "./build/Dockerfile.web")
    assert sorted(files) == [".dockerignore", "Dockerfile", "app.conf", "build/Dockerfile.web"]
    assert read_context(str(folder), "build/Dockerfile.web").dockerfile == "FROM scratch\n"


def test_odd_names_and_sockets(folder: Path) -> None:
    odd = "nåme with blank\nand \udce9"
    (folder / os.fsdecode(os.fsencode(odd))).write_text("x")
    (folder / ("d" * 120)).mkdir()
    (folder / ("d" * 120) / ("f" * 120)).write_text("long")
    with socket.socket(socket.AF_UNIX) as sock:
        here = Path.cwd()
        os.chdir(folder)
        try:
            sock.bind("s")
        finally:
            os.chdir(here)
        files = unpack(folder)
    assert odd in files
    assert files[f"{'d' * 120}/{'f' * 120}"] == b"long"
    assert "s" not in files


def test_special_files_are_refused_by_name(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with pytest.raises(InvalidOption, match=r"cannot read pipe: .*neither a file"):
        read_context(str(folder))


@pytest.mark.parametrize(
    ("path", "dockerfile", "message"),
    [
        ("~/ctx", "Dockerfile", "build.context: '~/ctx': a ~ is not expanded"),
        ("ctx", "Dockerfile", "is relative"),
        ("https://host.example/r.git", "Dockerfile", "is an address"),
        ("{}/missing", "Dockerfile", "there is nothing at"),
        ("{}/app.conf", "Dockerfile", "is not a folder"),
        ("{}/static", "Dockerfile", "build.dockerfile: no Dockerfile at"),
        ("{}", "static", "build.dockerfile: no Dockerfile at"),
        ("{}", "~/Dockerfile", "a ~ is not expanded"),
    ],
)
def test_what_cannot_be_a_context(folder: Path, path: str, dockerfile: str, message: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        read_context(path.format(folder), dockerfile)
    assert message in str(caught.value)


def test_a_file_cut_while_it_is_sent_is_an_error(folder: Path) -> None:
    context = read_context(str(folder))
    (folder / "app.conf").write_text("")
    with pytest.raises(FleetError, match=r"app\.conf: it became shorter"):
        b"".join(context.tar())
