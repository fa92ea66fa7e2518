"""Copies into and out of a container: what arrives, what is shown, what is compared."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any, Dict

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.errors import FleetError
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.client.engine import (
    Client,
    unix_dial,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.copy.resource import COPY
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.copy.source import (
    Local,
    Packed,
    pack,
)
from ansible_collections.dockyard.fleet.plugins.module_utils._engine.exec.resource import EXEC

from tests.lab import fake_files
from tests.lab.fake_engine import FakeEngine
from tests.lab.fake_files import Node
from tests.lab.fake_state import ApiError
from tests.lab.tasks import do

BIG = os.urandom(300_000)


def copy(web_engine: FakeEngine, **params: Any) -> Dict[str, Any]:
    return do(COPY, web_engine.socket_path, container="web", **params)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    (root / "sub" / "empty").mkdir(parents=True)
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o755)
    (root / "sub" / "big").write_bytes(BIG)
    (root / "sub" / ("long-name" * 20)).write_text("long\n")
    (root / "sub" / "über").write_text("u\n")
    (root / "link").symlink_to("sub/big")
    return root


def test_a_whole_tree_arrives_as_it_is(web_engine: FakeEngine, tree: Path) -> None:
    result = copy(web_engine, src=str(tree), dest="/srv/a/tree")
    assert (result["changed"], result["dest"]) == (True, "/srv/a/tree")
    files = web_engine.files("web")
    assert files["/srv/a"].mode == 0o755
    assert (files["/srv/a/tree/run.sh"].mode, files["/srv/a/tree/run.sh"].data) == (
        0o755,
        b"#!/bin/sh\n",
    )
    assert files["/srv/a/tree/sub/big"].data == BIG
    assert files["/srv/a/tree/sub/" + "long-name" * 20].data == b"long\n"
    assert files["/srv/a/tree/sub/über"].data == b"u\n"
    assert (files["/srv/a/tree/link"].kind, files["/srv/a/tree/link"].link) == ("link", "sub/big")
    assert files["/srv/a/tree/sub/empty"].kind == "folder"
    again = copy(web_engine, src=str(tree), dest="/srv/a/tree")
    assert again["changed"] is False
    assert len(web_engine.writes) == 1


def test_only_what_differs_is_sent(web_engine: FakeEngine, tree: Path) -> None:
    copy(web_engine, src=str(tree), dest="/srv/tree")
    files = web_engine.files("web")
    files["/srv/tree/run.sh"].data = b"#!/bin/ls\n"
    files["/srv/tree/sub/big"].data = BIG[:-1] + bytes([BIG[-1] ^ 1])
    files["/srv/tree/link"].link = "elsewhere"
    files["/srv/tree/own"] = Node("file", data=b"stays")
    result = copy(web_engine, src=str(tree), dest="/srv/tree")
    words = result["plan"]["steps"][0]["cause"].split("; ")
    assert words == [
        "link.link: elsewhere → sub/big",
        "content.run.sh: changed",
        "content.sub/big: changed",
    ]
    assert files["/srv/tree/sub/big"].data == BIG
    assert files["/srv/tree/own"].data == b"stays"
    assert len(web_engine.writes[-1].body) < len(BIG) + 6000


def test_a_folder_goes_where_a_link_points_and_a_file_takes_its_place(
    web_engine: FakeEngine, tree: Path
) -> None:
    files = web_engine.files("web")
    files["/srv/real"] = Node("folder", 0o755)
    files["/pages"] = Node("link", 0o777, link="/srv/real")
    result = copy(web_engine, src=str(tree), dest="/pages")
    assert result["dest"] == "/srv/real"
    assert files["/srv/real/run.sh"].kind == "file"
    copy(web_engine, content="a", dest="/pages/below")
    assert files["/srv/real/below"].data == b"a"
    result = copy(web_engine, content="a", dest="/pages")
    assert result["plan"]["steps"][0]["cause"] == "kind: link → file"
    assert files["/pages"].kind == "file"


def test_texts_are_shown_and_secrets_and_binaries_are_not(
    web_engine: FakeEngine, tmp_path: Path
) -> None:
    where = "web:/etc/app.conf"
    copy(web_engine, content="log = info\n", dest="/etc/app.conf")
    result = copy(web_engine, content="log = debug\n", dest="/etc/app.conf", check=True)
    assert result["diff"][1] == {
        "before_header": where,
        "after_header": where,
        "before": "log = info\n",
        "after": "log = debug\n",
    }
    assert "log = debug" not in json.dumps(result["plan"])
    (tmp_path / "data").write_bytes(b"\0\1")
    result = copy(web_engine, src=str(tmp_path / "data"), dest="/etc/app.conf")
    assert result["diff"][1]["after"] == "(binary, or too long to show)\n"
    for secret in ({"secret_content": "hush-hush"}, {"content": "hush-hush!", "secret": True}):
        result = copy(web_engine, dest="/etc/app.conf", **secret)
        assert result["changed"] is True
        assert len(result["diff"]) == 1
        assert "hush" not in json.dumps(result)
    result = copy(web_engine, src=str(tmp_path / "data"), dest="/etc/app.conf", secret=True)
    assert "hush" not in json.dumps(result)


def test_what_is_read_only_is_foreseen(web_engine: FakeEngine) -> None:
    """And only where something would be written: links may lead to where that can be done."""
    copy(web_engine, content="a", dest="/srv/same")
    box = web_engine.state.container("web")
    box["HostConfig"]["ReadonlyRootfs"] = True
    box["Mounts"] = [
        {"Type": "bind", "Destination": "/tmp", "RW": True},
        {"Type": "bind", "Destination": "/run", "RW": False},
        {"Type": "volume", "Destination": "/run/app", "Name": "none", "RW": True},
    ]
    web_engine.files("web").update(
        {"/run/app": Node("folder", 0o755), "/l": Node("link", link="/tmp")}
    )
    web_engine.forget()
    for dest, why in (
        ("/etc/app.conf", "its files are read-only"),
        ("/new/folder/f", "its files are read-only"),
        ("/run/x", "/run is mounted read-only"),
        ("/srv/same", ""),
        ("/tmp/x", ""),
        ("/run/app/x", ""),
        ("/l/x", ""),
    ):
        result = copy(web_engine, content="a", dest=dest, check=True)
        said = result["msg"] if result.get("failed") else ""
        assert said == (
            f"dest: nothing can be copied to {dest} in the container: {why}; mount what is to be "
            "written to, or copy before it is made read-only"
            if why
            else ""
        )
        assert not why or copy(web_engine, content="a", dest=dest)["msg"] == result["msg"]
    assert web_engine.writes == []
    pending = {"container/web": "will be replaced"}
    assert copy(web_engine, content="a", dest="/e", pending=pending, check=True)["changed"] is True


def test_a_mount_over_a_link_has_a_hint(
    web_engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Docker 28 refuses every archive of such a container."""
    said = "mkdirat var/run/docker.sock: path escapes from parent"
    hint = (
        "a mount of the container leads through a link in its image; mount it where the link "
        "points to, such as /var/run/docker.sock:/run/docker.sock in volumes, in place of "
        "use_api_socket"
    )

    def refuses(*_given: Any) -> Any:
        raise ApiError(500, said)

    monkeypatch.setattr(fake_files, "_find", refuses)
    for task in ({"content": "a", "dest": "/e"}, {"src": "/etc", "dest": "/tmp/x", "fetch": True}):
        result = copy(web_engine, **task)
        assert result["msg"] == f"container/web: {said}; {hint}"
    decides = do(EXEC, web_engine.socket_path, container="web", command="id", creates="/e")
    assert decides["msg"] == f"container/web: {said}; {hint}"


def test_what_a_full_disk_has_cut_is_named(
    web_engine: FakeEngine, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = fake_files._place

    def full(box: Any, target: str, node: Node, **more: Any) -> None:
        if target.endswith("big"):
            place(box, target, Node("file", node.mode, node.owner, node.data[:1000]), **more)
            raise ApiError(500, "write /var/lib/fake: no space left on device")
        place(box, target, node, **more)

    with monkeypatch.context() as disk:
        disk.setattr(fake_files, "_place", full)
        result = copy(web_engine, src=str(tree), dest="/srv/tree")
    assert result["msg"] == (
        "copy/web:/srv/tree: write /var/lib/fake: no space left on device; incomplete now: "
        "/srv/tree/sub/big; run again to complete it"
    )
    assert copy(web_engine, src=str(tree), dest="/srv/tree")["changed"] is True
    assert web_engine.files("web")["/srv/tree/sub/big"].data == BIG


def test_podman_is_led_to_what_is_mounted_further_down(
    web_engine: FakeEngine, tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It unpacks beside a mount as long as the container does not run."""
    web_engine.state.container("web")["Mounts"] = [
        {"Type": "bind", "Destination": "/srv/tree/sub", "RW": True},
        {"Type": "bind", "Destination": "/srv/treehouse", "RW": True},
    ]
    web_engine.files("web").update(
        {f"/srv/tree{one}": Node("folder", 0o755) for one in ("", "/sub")}
    )
    monkeypatch.setattr(Client, "kind", "podman")
    assert copy(web_engine, src=str(tree), dest="/srv/tree")["changed"] is True
    assert [call.query["path"] for call in web_engine.writes] == ["/srv", "/srv/tree/sub"]
    assert web_engine.files("web")["/srv/tree/sub/big"].data == BIG
    assert copy(web_engine, src=str(tree), dest="/srv/tree")["changed"] is False


def test_a_link_is_followed_when_asked_for(web_engine: FakeEngine) -> None:
    files = web_engine.files("web")
    files["/etc/real"] = Node("file", data=b"old")
    files["/etc/l"] = Node("link", 0o777, link="real")
    files["/etc/new"] = Node("link", 0o777, link="/srv/not-yet")
    assert copy(web_engine, content="a", dest="/etc/l", follow=True)["dest"] == "/etc/real"
    assert (files["/etc/l"].kind, files["/etc/real"].data) == ("link", b"a")
    assert copy(web_engine, content="a", dest="/etc/l", follow=True)["changed"] is False
    assert copy(web_engine, content="a", dest="/etc/new", follow=True)["dest"] == "/srv/not-yet"
    assert files["/srv/not-yet"].data == b"a"


def test_a_deep_tree_arrives(web_engine: FakeEngine, tmp_path: Path) -> None:
    deep = "/".join(["d"] * 1200)
    subprocess.run(["mkdir", "-p", f"{tmp_path}/tree/{deep}"], check=True)
    result = copy(web_engine, src=f"{tmp_path}/tree", dest="/srv/tree", check=True)
    assert result["plan"]["steps"][0]["cause"] == "folder: none → 1200 entries"
    subprocess.run(["rm", "-r", f"{tmp_path}/tree"], check=True)  # pytest goes too deep


def test_without_force_what_is_there_stays(
    web_engine: FakeEngine, tree: Path, tmp_path: Path
) -> None:
    files = web_engine.files("web")
    files["/srv/tree"] = Node("folder", 0o700)
    files["/srv/tree/run.sh"] = Node("file", data=b"mine")
    result = copy(web_engine, src=str(tree), dest="/srv/tree", force=False)
    assert (result["changed"], files["/srv/tree/run.sh"].data) == (True, b"mine")
    assert files["/srv/tree/sub/big"].data == BIG
    assert copy(web_engine, src=str(tree), dest="/srv/tree", force=False)["changed"] is False
    (tmp_path / "passwd").write_text("mine")
    fetch = {"src": "/etc/passwd", "dest": f"{tmp_path}/passwd", "fetch": True}
    assert copy(web_engine, **fetch, force=False)["changed"] is False
    assert copy(web_engine, **fetch)["changed"] is True


def test_an_engine_that_ignores_the_owner_is_found_out(
    web_engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = fake_files._place

    def as_root(box: Any, target: str, node: Node, **more: Any) -> None:
        node.owner = (0, 0)
        place(box, target, node, **more)

    monkeypatch.setattr(fake_files, "_place", as_root)
    result = copy(web_engine, content="a", dest="/etc/app.conf", owner="33")
    assert result["msg"] == (
        "copy/web:/etc/app.conf: the server reported success but did not apply owner: 0 → 33"
    )


def test_an_engine_that_tells_no_owners_is_not_asked_for_them(
    web_engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Client, "kind", "podman")
    copy(web_engine, content="a", dest="/etc/app.conf", owner="33")
    node = web_engine.files("web")["/etc/app.conf"]
    assert node.owner == (33, 0)
    node.owner = (0, 0)  # what Podman says of every file
    again = copy(web_engine, content="a", dest="/etc/app.conf", owner="33")
    assert again["changed"] is False
    assert again["plan"]["notes"] == [
        "this engine does not report owners: they are set only along with other differences"
    ]


def test_what_was_packed_is_what_was_there(tree: Path, tmp_path: Path) -> None:
    here = Local(str(tree))
    (tmp_path / "files.tar").write_bytes(b"".join(pack(here)))
    there = Packed(str(tmp_path / "files.tar"), here.name)
    assert there.entries == {
        path: type(entry)(**{**vars(entry), "uid": None, "gid": None})
        for path, entry in here.entries.items()
    }
    with there.open("sub/big") as file:
        assert file.read() == BIG


def test_a_file_that_shrinks_is_an_error(web_engine: FakeEngine, tmp_path: Path) -> None:
    (tmp_path / "log").write_text("long enough")
    source = Local(str(tmp_path / "log"))
    (tmp_path / "log").write_text("short")
    with pytest.raises(FleetError, match="log became shorter while it was being read"):
        list(pack(source))


def test_what_cannot_be_read_is_named(web_engine: FakeEngine, tmp_path: Path) -> None:
    result = copy(web_engine, src=str(tmp_path / "none"), dest="/etc/x")
    assert result["msg"].startswith(f"src: cannot read {tmp_path}/none: No such file")
    os.mkfifo(tmp_path / "fifo")
    result = copy(web_engine, src=str(tmp_path / "fifo"), dest="/etc/x")
    assert "neither a file, a folder nor a link" in result["msg"]
    assert web_engine.writes == []


# -- out of the container ---------------------------------------------------------------------


def test_a_tree_comes_out_as_it_is(web_engine: FakeEngine, tree: Path, tmp_path: Path) -> None:
    copy(web_engine, src=str(tree), dest="/srv/tree", owner="www")
    web_engine.files("web")["/srv/tree/run.sh"].mode = 0o4755
    out = tmp_path / "out"
    check = copy(web_engine, src="/srv/tree", dest=str(out), fetch=True, check=True)
    assert (check["changed"], out.exists()) == (True, False)
    result = copy(web_engine, src="/srv/tree", dest=str(out), fetch=True)
    assert result["plan"]["text"] == check["plan"]["text"]
    assert (out / "sub" / "big").read_bytes() == BIG
    assert (out / "run.sh").stat().st_mode & 0o7777 == 0o755
    assert os.readlink(out / "link") == "sub/big"
    assert sorted(os.listdir(out)) == ["link", "run.sh", "sub"]
    assert copy(web_engine, src="/srv/tree", dest=str(out), fetch=True)["changed"] is False
    (out / "run.sh").write_text("#!/bin/ls\n")
    (out / "sub" / "empty").rmdir()
    again = copy(web_engine, src="/srv/tree", dest=str(out), fetch=True)
    assert again["plan"]["steps"][0]["cause"] == (
        "content.run.sh: changed; folder.sub/empty: none → 0 entries"
    )


def test_a_file_comes_out_into_a_folder_and_under_another_name(
    web_engine: FakeEngine, tmp_path: Path
) -> None:
    copy(web_engine, src="/etc/passwd", dest=f"{tmp_path}/new/", fetch=True)
    assert (tmp_path / "new" / "passwd").read_bytes() == web_engine.files("web")["/etc/passwd"].data
    copy(web_engine, src="/etc/passwd", dest=f"{tmp_path}/users", fetch=True, mode="0600")
    assert (tmp_path / "users").stat().st_mode & 0o777 == 0o600
    result = copy(web_engine, src="/etc/passwd", dest=f"{tmp_path}/new", fetch=True)
    assert result["msg"] == (
        f"dest: {tmp_path}/new is a folder here; end dest with / to fetch into it"
    )
    result = copy(web_engine, src="/etc", dest=f"{tmp_path}/users", fetch=True)
    assert result["msg"].startswith(f"dest: {tmp_path}/users is a file here")


def test_a_container_cannot_lead_a_fetch_elsewhere(web_engine: FakeEngine, tmp_path: Path) -> None:
    """A folder is never written through a link that an earlier fetch has made."""
    (tmp_path / "precious").mkdir()
    files = web_engine.files("web")
    files["/srv/tree"] = Node("folder", 0o755)
    files["/srv/tree/a"] = Node("link", 0o777, link=str(tmp_path / "precious"))
    assert copy(web_engine, src="/srv/tree", dest=f"{tmp_path}/out", fetch=True)["changed"] is True
    files["/srv/tree/a"] = Node("folder", 0o755)
    files["/srv/tree/a/planted"] = Node("file", data=b"x")
    result = copy(web_engine, src="/srv/tree", dest=f"{tmp_path}/out", fetch=True)
    assert result["msg"].startswith(f"dest: {tmp_path}/out/a is a link here")
    assert os.listdir(tmp_path / "precious") == []


def test_nothing_is_written_by_looking(web_engine: FakeEngine, tmp_path: Path) -> None:
    copy(web_engine, content="a", dest="/etc/x", check=True)
    copy(web_engine, src="/etc/passwd", dest=f"{tmp_path}/x", fetch=True)
    assert web_engine.writes == []
    with Client(unix_dial(web_engine.socket_path), 5) as client:
        assert client.fetch("/containers/web/archive", {"path": "/etc/x"}, "HEAD").status == 404
