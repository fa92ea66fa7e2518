"""What a container, or an engine, sends of paths and links stays below the destination."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any, Dict, Tuple

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.copy.resource import COPY

from tests.lab.crafted import archive
from tests.lab.fake_engine import FakeEngine
from tests.lab.fake_files import Node
from tests.lab.tasks import do


@pytest.fixture
def precious(tmp_path: Path) -> Path:
    """Return a folder outside of the destination, with one file that is nobody's to read."""
    folder = tmp_path / "precious"
    folder.mkdir(mode=0o755)
    (folder / "key").write_text("of the controller")
    return folder


def fetch(web_engine: FakeEngine, dest: Path, *entries: Tuple[str, str, Any]) -> Dict[str, Any]:
    """Fetch a folder for which the engine sends these entries."""
    web_engine.files("web")["/srv/tree"] = Node("folder", 0o755)
    if entries:
        web_engine.state.container("web")["_archive"] = archive(("tree", "folder", ""), *entries)
    return do(
        COPY, web_engine.socket_path, container="web", src="/srv/tree", dest=str(dest), fetch=True
    )


def picture(folder: Path) -> Dict[str, Any]:
    """Return all that is in a folder, with modes and contents."""
    return {
        str(one.relative_to(folder)): (one.lstat().st_mode, one.is_file() and one.read_bytes())
        for one in [folder, *folder.rglob("*")]
    }


def led(precious: str) -> Dict[str, Tuple[Tuple[str, str, Any], ...]]:
    """Return what a hostile engine may send to have something written at `precious`."""
    link = ("tree/a", "link", precious)
    return {
        "a file over a link": (link, ("tree/a/planted", "file", b"x")),
        "over one that is there": (link, ("tree/a/key", "file", b"x")),
        "a folder over a link": (link, ("tree/a/sub", "folder", "")),
        "a link over a link": (link, ("tree/a/planted", "link", "/etc/passwd")),
        "two links": (
            ("tree/b", "link", ".."),
            ("tree/b/c", "link", precious),
            ("tree/b/c/planted", "file", b"x"),
        ),
        "a folder's mode": (("tree/a", "folder", ""), link),
        "a relative link": (
            ("tree/a", "link", f"../{os.path.basename(precious)}"),
            ("tree/a/planted", "file", b"x"),
        ),
        "deep below a link": (link, ("tree/a/b/c/planted", "file", b"x")),
        "dots": (("tree/../precious/planted", "file", b"x"),),
        "a whole path": ((f"tree/{precious}/planted", "file", b"x"),),
        "another name": (("tree/n", "name", f"{precious}/key"), ("tree/n", "file", b"x")),
    }


@pytest.mark.parametrize("way", list(led("")))
def test_no_path_of_an_archive_leads_out(
    web_engine: FakeEngine, tmp_path: Path, precious: Path, way: str
) -> None:
    before = picture(precious)
    result = fetch(web_engine, tmp_path / "out", *led(str(precious))[way])
    assert picture(precious) == before
    assert result["failed"] is True
    assert str(tmp_path / "out") in result["msg"] or "/srv/tree" in result["msg"], result["msg"]
    assert sorted(os.listdir(tmp_path)) in (["out", "precious"], ["precious"])


def test_a_link_that_an_earlier_fetch_brought_is_not_followed(
    web_engine: FakeEngine, tmp_path: Path, precious: Path
) -> None:
    out = tmp_path / "out"
    assert fetch(web_engine, out, ("tree/a", "link", str(precious)))["changed"] is True
    before = picture(precious)
    result = fetch(web_engine, out, ("tree/a/planted", "file", b"x"))
    assert picture(precious) == before
    assert result["msg"] == (
        f"dest: {out}/a/planted: it leads through a link, which is not followed here; "
        "fetched files are never written through a link; remove it, or fetch elsewhere"
    )


def test_what_lies_behind_a_link_is_not_compared(
    web_engine: FakeEngine, tmp_path: Path, precious: Path
) -> None:
    """Else an engine could guess a file of the controller, and be told when it is right."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "a").symlink_to(precious)
    result = fetch(web_engine, out, ("tree/a/key", "file", b"of the controller"))
    assert result["failed"] is True


def test_a_file_takes_the_place_of_a_link(
    web_engine: FakeEngine, tmp_path: Path, precious: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "key").symlink_to(precious / "key")
    assert fetch(web_engine, out, ("tree/key", "file", b"new"))["changed"] is True
    assert ((out / "key").read_text(), (out / "key").is_symlink()) == ("new", False)
    assert (precious / "key").read_text() == "of the controller"


def test_the_destination_itself_may_be_reached_by_a_link(
    web_engine: FakeEngine, tmp_path: Path
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "short").symlink_to("real")
    assert (
        fetch(web_engine, tmp_path / "short" / "out", ("tree/f", "file", b"x"))["changed"] is True
    )
    assert (tmp_path / "real" / "out" / "f").read_bytes() == b"x"


def test_a_deep_tree_comes_out(web_engine: FakeEngine, tmp_path: Path) -> None:
    path, entries = "tree", []
    for _number in range(1200):
        path += "/d"
        entries.append((path, "folder", ""))
    result = fetch(web_engine, tmp_path / "out", *entries, (f"{path}/f", "file", b"x"))
    assert result["changed"] is True
    assert fetch(web_engine, tmp_path / "out")["changed"] is False
    subprocess.run(["rm", "-r", str(tmp_path / "out")], check=True)  # pytest goes too deep
