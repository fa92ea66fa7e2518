"""Files below a folder, and files that appear whole (module_utils/_desired/safe_files.py)."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.dockyard.fleet.plugins.module_utils._desired import safe_files
from ansible_collections.dockyard.fleet.plugins.module_utils._desired.safe_files import (
    Below,
    written,
)

ROOT = Path(__file__).parents[3]
# Writes, says so, and is killed before the file gets its name.
DIES = """
import os, signal, sys
sys.path[:0] = ["collections"]
from ansible_collections.dockyard.fleet.plugins.module_utils._desired import safe_files as below
if sys.argv[2] == "named":
    os.O_TMPFILE = 0
with below.written(sys.argv[1]) as part:
    part.write(b"half")
    part.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(params=["nameless", "named"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have files without a name, or a system that has no such thing."""
    if request.param == "named":
        monkeypatch.setattr(os, "O_TMPFILE", 0)
    return str(request.param)


def test_a_file_appears_whole_or_not_at_all(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with written(str(path)) as part:
        part.write(b"new")
        part.flush()
        assert Path(part.path).read_text() == "new"
        assert path.read_text() == "old"
    assert path.read_text() == "old"  # nobody has said that it is complete
    with pytest.raises(KeyError):
        _broken_off(path)
    assert (path.read_text(), os.listdir(tmp_path)) == ("old", ["file"])
    with written(str(path)) as part:
        part.write(b"new")
        part.appear(0o640)
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("new", 0o640)
    assert os.listdir(tmp_path) == ["file"]


def test_a_death_leaves_nothing_or_what_the_next_run_takes_over(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    done = subprocess.run([sys.executable, "-c", DIES, str(path), kind], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    left = os.listdir(tmp_path)
    assert left == ([] if kind == "nameless" else [safe_files._spare("file")])
    with written(str(path)) as part:
        part.write(b"w")
        part.appear()
    assert (path.read_text(), os.listdir(tmp_path)) == ("w", ["file"])


def test_two_that_write_one_file_do_not_mix(kind: str, tmp_path: Path) -> None:
    path = str(tmp_path / "file")
    with written(path) as one:
        one.write(b"one")
        if kind == "named":
            with pytest.raises(OSError, match="another run is writing it"), written(path):
                pass
        else:
            with written(path) as two:
                two.write(b"two")
                two.appear()
        one.appear()
    assert Path(path).read_text() == "one"


def test_a_full_disk_is_told_with_the_file(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(OSError, match="space") as caught:
        _on_a_full_disk(path)
    assert caught.value.filename == str(path)
    assert safe_files.words(caught.value) == f"{path}: No space left on device"
    assert path.read_text() == "old"


def _broken_off(path: Path) -> None:
    with written(str(path)) as part:
        part.write(b"new")
        raise KeyError


def _on_a_full_disk(path: Path) -> None:
    with written(str(path)) as part, open("/dev/full", "wb", buffering=0) as full:
        os.dup2(full.fileno(), part._file.fileno())
        part.write(b"x" * (1 << 20))


@pytest.mark.parametrize("path", ["", ".", "..", "a/../b", "a//b", "../x", "/etc/passwd", "a/."])
def test_only_names_lead_down(path: str, tmp_path: Path) -> None:
    (tmp_path / "top" / "a").mkdir(parents=True)
    wrong = r"below a folder|directory|Invalid|busy"
    with Below(str(tmp_path / "top")) as top, pytest.raises(OSError, match=wrong):
        top.link(path, "x")
    assert os.listdir(tmp_path) == ["top"]
    assert os.listdir(tmp_path / "top") == ["a"]


def test_a_link_is_looked_at_and_never_followed(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "f").write_text("x")
    top = tmp_path / "top"
    top.mkdir()
    (top / "l").symlink_to("../out")
    (top / "f").symlink_to("../out/f")
    with Below(str(top)) as here:
        assert here.readlink("l") == "../out"
        for act in (
            lambda: here.stat("l/f"),
            lambda: here.open("f"),
            lambda: here.open("l/f"),
            lambda: here.make("l"),
            lambda: here.chmod("l", 0o700),
            lambda: here.names("l"),
            lambda: here.link("l/x", "y"),
        ):
            with pytest.raises(OSError) as caught:
                act()
            assert caught.value.errno in (errno.ELOOP, errno.ENOTDIR)
            assert str(caught.value.filename).startswith(str(top))
    assert os.listdir(tmp_path / "out") == ["f"]


def test_no_fifo_is_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with Below(str(tmp_path)) as here, pytest.raises(OSError, match="not a plain file"):
        here.open("fifo")
