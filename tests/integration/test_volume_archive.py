"""Volumes into archives and back on real engines, with all that a file system keeps of a file."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest

from tests.integration.test_fields import ENGINES
from tests.lab.engines import Engine
from tests.lab.fieldnetvol import VolumeField

SOURCE = "fleet-archive-source"
MAKE = """
cd /volume && mkdir -p app/empty app/shared 'with space' && echo settings > app/settings
printf 'a\\0b' > app/binary && : > app/none && echo tool > app/tool && echo wide > 'with space/ü'
ln -s settings app/link && ln -s /nowhere/at/all app/dangling && ln app/settings app/hard
mkfifo app/pipe && chown 0:7 app/settings && chown -h 3:4 app/link && chown 1000:1000 app/binary
chmod 0600 app/settings && chmod 4755 app/tool && chmod 2770 app/empty && chmod 1777 app/shared
touch -d '2020-02-03 04:05:06' app/binary && chown 999:998 . && chmod 0750 .
"""
# Of a link the target, of a file the content. The time of a folder is that of what was put into it.
LOOK = """
cd /volume && find . | sort | while read -r one; do
  if [ -h "$one" ]; then stat -c '%n %u:%g link' "$one"; readlink "$one"
  elif [ -f "$one" ]; then stat -c '%n %a %u:%g %s %h %Y' "$one"; md5sum < "$one"
  else stat -c '%n %a %u:%g %F' "$one"; fi
done
"""


@pytest.fixture(scope="module", params=ENGINES)
def field(
    request: pytest.FixtureRequest, engine_of: Callable[[str], Engine]
) -> Iterator[VolumeField]:
    with VolumeField(engine_of(request.param).socket) as made:
        yield made


@pytest.fixture
def source(field: VolumeField, engine_of: Callable[[str], Engine]) -> Iterator[VolumeField]:
    """Have a volume SOURCE with data of every kind, not on Podman: it tells nobody the owners."""
    with contextlib.ExitStack() as stack:
        made = field
        if field.client.kind == "podman":
            made = stack.enter_context(VolumeField(engine_of("d28").socket))
        made.run({"name": SOURCE})
        stack.callback(made.clear, SOURCE)
        assert made.inside(SOURCE, MAKE) == ""
        yield made


def boxes(field: VolumeField) -> Any:
    """Return the containers of volumes' archives: none is left over."""
    filters = {"label": ["dockyard.fleet.helper"]}
    return field.client.get("/containers/json", {"all": True, "filters": filters})


def test_what_is_restored_is_what_was_backed_up(
    field: VolumeField, source: VolumeField, tmp_path: Path
) -> None:
    archive, copy = tmp_path / "data.tar", f"{field.prefix}-copy"
    was = source.inside(SOURCE, LOOK)
    assert len(was.splitlines()) > 15
    backup, restore = {"name": SOURCE, "backup": str(archive)}, {"name": copy}
    restore["restore"] = str(archive)
    assert source.run(backup, check=True)["changed"]
    assert (list(tmp_path.iterdir()), boxes(source)) == ([], [])
    assert [source.run(backup)["changed"] for _turn in range(2)] == [True, False]
    assert os.stat(archive).st_mode & 0o777 == 0o600
    assert field.run(restore, check=True)["changed"]
    assert copy not in names(field)
    try:
        assert [field.run(restore)["changed"] for _turn in range(2)] == [True, False]
        assert boxes(field) == []
        assert field.inside(copy, LOOK) == was
        # Other data in the volume stays, until it is given up by name.
        field.inside(copy, "echo more > /volume/app/more")
        archive.write_bytes(gzip.compress(archive.read_bytes()))
        assert not field.run(restore)["changed"]
        anew = {**restore, "destroy": copy}
        assert field.run(anew, check=True)["changed"]
        assert "app/more" in field.inside(copy, LOOK)
        assert [field.run(anew)["changed"] for _turn in range(2)] == [True, False]
        assert field.inside(copy, LOOK) == was
    finally:
        field.clear(copy)


def names(field: VolumeField) -> list[str]:
    return [one["Name"] for one in field.client.get("/volumes")["Volumes"]]


def test_a_damaged_archive_is_refused_with_nothing_changed(
    field: VolumeField, source: VolumeField, tmp_path: Path
) -> None:
    archive = tmp_path / "data.tar"
    full, empty, none = (f"{field.prefix}-{name}" for name in ("full", "empty", "none"))
    source.run({"name": SOURCE, "backup": str(archive)})
    restore = {"restore": str(archive)}
    field.run({"name": full, **restore})
    field.run({"name": empty})
    whole, was = archive.read_bytes(), field.inside(full, LOOK)
    try:
        for damaged in broken(whole):
            archive.write_bytes(damaged)
            for task in ({"name": none}, {"name": full, "destroy": full}, {"name": empty}):
                # Whether a volume is empty is not looked at in check mode.
                for check in (False,) if task["name"] == empty else (True, False):
                    result = field.attempt({**task, **restore}, check=check)
                    said = f"{len(damaged)} of {len(whole)} bytes: {result.get('msg')}"
                    assert f"restore: {archive} is " in said, task
            assert boxes(field) == []
            assert none not in names(field)
        assert field.inside(full, LOOK) == was
        assert field.inside(empty, "ls -A /volume") == ""
    finally:
        field.clear(full)
        field.clear(empty)


def broken(whole: bytes) -> Iterator[bytes]:
    """Yield what may become of an archive."""
    with tarfile.open(fileobj=io.BytesIO(whole)) as archive:
        middle = archive.getmembers()[6].offset
    yield whole[:middle]  # cut between two files
    yield whole[: middle + 700]
    yield whole[:middle] + b"\x01" + whole[middle + 1 :]  # a header whose sum is wrong
    packed = gzip.compress(whole)
    yield packed[:-200]
    yield packed[: len(packed) // 2] + b"\x00\xff\x00" + packed[len(packed) // 2 + 3 :]
    yield b"no archive at all"
    yield b""
